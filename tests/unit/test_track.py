"""``track()``: exact values, seldom, and rows that come through untouched."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from taskstatus import meter, publisher, track
from taskstatus.progress import MAX_STRIDE
from tests.unit.eager import run, tracked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.fixtures import Settings

    from taskstatus.changes import Change

UNIT = 0.02


def doze(rows: int, awake: int, seconds: float) -> None:
    """Track so many rows; each after the first ones takes so long."""
    for row in track(range(rows)):
        if row >= awake:
            time.sleep(seconds)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """Return the progress that is published, in order, as it is published."""
    changes: list[Change] = []

    def publish(change: Change) -> bool:
        changes.append(change)
        return publisher.publish(change)

    monkeypatch.setattr(meter, "publish", publish)
    return changes


def currents(published: list[Change]) -> list[float]:
    """Return the values that were published."""
    return [json.loads(change.fields["progress"])["current"] for change in published]


def test_loop_says_where_it_begins_and_ends(published: list[Change]) -> None:
    """However short a loop is, its first and last values are told."""
    result, messages = run(lambda: sum(track(range(100), message="adding")))
    assert result.get() == 4_950
    assert currents(published)[0] == 0
    assert currents(published)[-1] == 100
    last = tracked(messages)[-1]
    assert (last["current"], last["total"], last["percent"]) == (100, 100, 100)
    assert last["message"] == "adding"
    assert messages[-1]["state"] == "SUCCESS"
    assert messages[-1]["progress"] == last


def test_loop_publishes_once_per_interval(published: list[Change], settings: Settings) -> None:
    """A million rows are a handful of messages."""
    settings.TASKSTATUS_PROGRESS_INTERVAL_SECONDS = 5 * UNIT
    began = time.monotonic()
    run(lambda: doze(500, 0, UNIT / 100))
    intervals = (time.monotonic() - began) / (5 * UNIT)
    assert 2 <= len(published) <= intervals + 3


def test_slow_loop_tells_every_row(published: list[Change], settings: Settings) -> None:
    """When each row takes longer than the interval, each is told, and none that is not done."""
    settings.TASKSTATUS_PROGRESS_INTERVAL_SECONDS = UNIT / 10
    run(lambda: doze(5, 0, UNIT))
    assert currents(published) == [0, 1, 2, 3, 4, 5]


def test_loop_that_turns_slow_is_heard_again(published: list[Change], settings: Settings) -> None:
    """After many fast rows a slow one is noticed within a few."""
    settings.TASKSTATUS_PROGRESS_INTERVAL_SECONDS = UNIT / 10
    run(lambda: doze(5_020, 5_000, UNIT))
    slow = [current for current in currents(published) if current > 5_000]
    assert len(slow) >= 20 - MAX_STRIDE


@pytest.mark.parametrize(
    ("rows", "total", "shown"),
    [
        ([1, 2, 3], None, 3),
        ([1, 2, 3], 10, 10),
        (iter([1, 2, 3]), None, None),
        (iter([1, 2, 3]), 3, 3),
        ((row for row in (1, 2, 3)), None, None),
        ({"a": 1, "b": 2, "c": 3}, None, 3),
        ("abc", 0, 0),
    ],
)
def test_total_is_what_is_known(rows: Any, total: float | None, shown: float | None) -> None:
    """The length where there is one, what the author says, or nothing."""
    _, messages = run(lambda: [None for _ in track(rows, total=total)] and None)
    last = tracked(messages)[-1]
    assert (last["current"], last["total"]) == (3, shown)
    assert (last["percent"] is None) is (not shown)


def test_empty_loop_says_that_there_is_nothing() -> None:
    """Nothing of nothing is done."""
    _, messages = run(lambda: list(track([])))
    assert tracked(messages)[-1]["current"] == 0


def test_loop_that_is_left_says_how_far_it_came() -> None:
    """``break`` in the third row: two are done."""

    def body() -> None:
        for row in track(range(10)):
            if row == 2:
                break

    result, messages = run(body)
    assert result.state == "SUCCESS"
    assert tracked(messages)[-1]["current"] == 2


def test_loop_that_fails_says_how_far_it_came() -> None:
    """An exception in the third row: two are done, and then the task fails."""

    def body() -> None:
        for row in track(range(10)):
            if row == 2:
                raise ValueError("row three")

    result, messages = run(body)
    assert result.state == "FAILURE"
    assert tracked(messages)[-1]["current"] == 2
    assert (messages[-1]["state"], messages[-1]["error"]) == ("FAILURE", "row three")


def test_failing_iterable_fails_the_task_as_it_would_without_us() -> None:
    """What ``rows`` raises comes through, after what was done."""

    def rows() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    result, messages = run(lambda: list(track(rows())))
    assert result.state == "FAILURE"
    assert tracked(messages)[-1]["current"] == 1


def test_nested_loops_show_the_inner_one_and_end_with_the_outer() -> None:
    """Each loop tells its own; the last word is the outer loop's."""

    def body() -> int:
        return sum(1 for _ in track(range(3), message="outer") for _ in track(range(2)))

    result, messages = run(body)
    assert result.get() == 6
    last = tracked(messages)[-1]
    assert (last["current"], last["total"], last["message"]) == (3, 3, "outer")


def test_rows_come_through_untouched() -> None:
    """The very objects, in order, each when it is asked for."""
    taken: list[int] = []

    def rows() -> Iterator[int]:
        for row in range(3):
            taken.append(row)
            yield row

    def body() -> list[int]:
        seen = []
        for row in track(rows()):
            assert taken[-1] == row
            seen.append(row)
        return seen

    result, _ = run(body)
    assert result.get() == [0, 1, 2]
