"""Progress goes out often enough and not too often."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from taskstatus.exceptions import Cancelled
from taskstatus.meter import Meter
from tests.unit.meter.gauge import INTERVAL, RUN, Clock, Gauge, Published

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


def test_first_value_goes_out_at_once(update: Gauge, published: Published) -> None:
    """Nobody has to wait to see that the task has begun to count."""
    update(0)
    assert published.progress == [
        {"current": 0, "total": 100, "percent": 0, "message": "", "rate": None, "eta": None}
    ]


def test_value_goes_out_when_the_interval_is_over(update: Gauge, published: Published) -> None:
    """One message per interval, however many values there are."""
    update(0)
    for _ in range(10):
        for value in range(10):
            update(value, INTERVAL / 10)
    update(10).flush()
    assert 10 <= len(published.changes) <= 12


def test_value_that_comes_too_soon_is_held_back_until_flushed(
    update: Gauge, published: Published
) -> None:
    """Of several the newest goes out, once."""
    update(0)
    update(1, 0)
    update(2, 0)
    assert published.currents == [0]
    update(3, 0).flush()
    assert published.currents == [0, 3]
    update(4, INTERVAL).flush()
    assert published.currents == [0, 3, 4]


def test_value_that_is_held_back_goes_out_by_itself(published: Published) -> None:
    """A task that falls silent has its last value told when the interval is over."""
    subject = Meter(RUN)
    subject.update(0, None, "")
    published.came.clear()
    subject.update(1, None, "")
    subject.update(2, None, "")
    assert published.currents == [0]
    assert published.came.wait(100 * INTERVAL)
    subject.flush()
    assert published.currents == [0, 2]


def test_value_may_take_the_place_of_one_that_is_held_back(
    update: Gauge, published: Published
) -> None:
    """The cheap way of a fast loop: what is held back is newer, and goes out as ever."""
    subject = update(0)
    update(1, 0)
    subject.replace(2, 100, "", update.clock.now)
    subject.replace(3, 100, "newest", update.clock.now)
    assert published.currents == [0]
    subject.flush()
    assert published.currents == [0, 3]
    assert published.progress[1]["message"] == "newest"
    update.clock.now += INTERVAL
    subject.replace(4, 100, "", update.clock.now)
    assert published.currents == [0, 3, 4]


def test_no_interval_means_no_throttling(
    update: Gauge, published: Published, settings: Settings
) -> None:
    """With 0 every value goes out, be the clock as coarse as it may."""
    settings.TASKSTATUS_PROGRESS_INTERVAL_SECONDS = 0
    for value in range(5):
        update(value, 0)
    update(5, 1)
    assert published.currents == [0, 1, 2, 3, 4, 5]


def test_change_of_state_goes_out_at_once(published: Published) -> None:
    """What a task calls itself is news, however soon it comes; the same again is not."""
    subject = Meter(RUN, Clock())
    subject.update(1, 10, "")
    subject.enter("PARSING")
    subject.enter("PARSING")
    subject.update(2, 10, "", "CHECKING")
    subject.update(3, 10, "")
    subject.flush()
    assert published.states == ["PROGRESS", "PARSING", "CHECKING", "PROGRESS"]
    assert "progress" not in published.changes[1].fields
    assert json.loads(published.changes[2].fields["progress"])["current"] == 2


def test_wish_to_stop_is_heard_when_something_is_published(
    update: Gauge, published: Published
) -> None:
    """Once heard it stays, and the next check raises it."""
    subject = update(0)
    subject.check()
    published.asked_to_stop = True
    update(1)
    published.asked_to_stop = False
    update(2)
    for _ in range(2):
        with pytest.raises(Cancelled):
            subject.check()


def test_many_threads_may_count_at_once(published: Published) -> None:
    """No value is published twice, none after a newer flush, and nothing is left over."""
    clock = Clock()
    subject = Meter(RUN, clock)
    barrier = threading.Barrier(4)

    def count() -> None:
        barrier.wait()
        for value in range(200):
            clock.now += INTERVAL / 3
            subject.update(value, 200, "")
            if value % 17 == 0:
                subject.flush()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    subject.flush()
    before = len(published.changes)
    subject.flush()
    assert len(published.changes) == before
    assert before <= 800
    assert subject._timer is None
