"""What a run is doing: it is brought to an end in order, and handed on once."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

import pytest

from taskstatus import changes
from taskstatus.activity import Activity
from taskstatus.changes import Run
from taskstatus.messages import encode
from taskstatus.progress import _track
from taskstatus.stores import get_store
from taskstatus.testing import TaskDriver

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


@pytest.fixture
def run(settings: Settings) -> Run:
    """Return a run that has begun, and whose values are held back for long."""
    settings.TASKSTATUS_PROGRESS_INTERVAL_SECONDS = 60
    driver = TaskDriver()
    driver.started()
    return driver.run


def told(run: Run) -> list[str]:
    """Return what has been published, as states with their progress."""
    reading = get_store().read(run.task_id, 0)
    assert reading is not None
    return [message.json for message in reading.messages]


def test_finish_publishes_what_is_held_back(run: Run) -> None:
    """The last value is told before the outcome."""
    activity = Activity(run)
    for value in range(5):
        activity.meter.update(value, 10, "")
    assert '"current":0' in told(run)[-1]
    activity.finish()
    assert '"current":4' in told(run)[-1]


def test_finish_closes_open_loops(run: Run) -> None:
    """A loop that was left says how far it came, innermost included."""
    activity = Activity(run)
    loop = _track(activity, range(10), 10, "")
    activity.loops.add(loop)  # type: ignore[arg-type]
    for row in loop:
        if row == 7:
            break
    activity.finish()
    assert '"current":7' in told(run)[-1]
    assert list(loop) == []


def test_finish_leaves_a_running_loop_alone(run: Run) -> None:
    """Code that ends the task from within its own iterator does not break it."""
    activity = Activity(run)

    def rows() -> Any:
        yield 1
        activity.finish()
        yield 2

    loop = _track(activity, rows(), None, "")
    activity.loops.add(loop)  # type: ignore[arg-type]
    assert list(loop) == [1, 2]


def test_forgotten_loop_is_not_kept(run: Run) -> None:
    """A task with a million loops holds on to none of them."""
    activity = Activity(run)
    for _ in range(10):
        loop = _track(activity, range(1), 1, "")
        activity.loops.add(loop)  # type: ignore[arg-type]
        list(loop)
    del loop
    assert len(activity.loops) == 0


def test_task_without_loops_has_no_set_of_them(run: Run) -> None:
    """Nor does it get one by ending, which every task does."""
    activity = Activity(run)
    activity.end()
    assert "loops" not in vars(activity)


def test_task_is_handed_on_once(run: Run) -> None:
    """Two words of the same retry are one, after what was held back."""
    activity = Activity(run)
    activity.meter.update(0, 10, "")
    activity.meter.update(5, 10, "")
    activity.hand_on(changes.retried(run, ValueError("why")))
    assert activity.handed_on
    activity.hand_on(changes.retried(run, ValueError("again")))
    *_, progress, retry = told(run)
    assert '"current":5' in progress
    assert encode("why") in retry


def test_activity_is_found_by_its_request(run: Run) -> None:
    """It is kept with Celery's request, and with no other."""
    request, activity = types.SimpleNamespace(), Activity(run)
    assert Activity.of(request) is None
    assert Activity.of(None) is None
    activity.attach(request)
    assert Activity.of(request) is activity


def test_last_activity_of_a_thread_is_remembered(run: Run) -> None:
    """What Celery says after the body has ended still finds it."""
    activity = Activity(run)
    activity.end()
    assert Activity.last_here() is activity
