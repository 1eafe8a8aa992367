"""``task_status_changed``: the project's own listeners."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded

from taskstatus import TaskStatus, get_status, signals
from taskstatus.signals import task_status_changed
from taskstatus.testing import TaskDriver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def listening(listener: Callable[..., None]) -> Iterator[None]:
    """Connect a listener while the block runs."""
    task_status_changed.connect(listener, weak=False)
    try:
        yield
    finally:
        task_status_changed.disconnect(listener)


def test_each_change_is_told_once_it_is_stored() -> None:
    """With the status as it is, in order, and none for a log line."""
    task, told = TaskDriver(), []

    def listen(sender: type, status: TaskStatus, **kwargs: Any) -> None:
        if status.task_id == task.task_id:
            assert sender is TaskStatus
            assert get_status(task.task_id) == status
            told.append(status.state)

    with listening(listen):
        task.pending()
        task.started()
        task.log("a line")
        task.progress(1, 2)
        task.success(7)
    assert told == ["PENDING", "STARTED", "PROGRESS", "SUCCESS"]


def test_a_change_that_comes_too_late_is_not_told() -> None:
    """What does not count has not happened."""
    task, told = TaskDriver(), []
    task.pending()
    task.success()
    with listening(lambda status, **kwargs: told.append(status)):
        task.failure(ValueError("late"))
    assert told == []


def test_a_listener_that_fails_harms_neither_the_task_nor_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged."""
    task, told = TaskDriver(), []

    def fail(**kwargs: Any) -> None:
        raise ValueError("a listener's own fault")

    with listening(fail), listening(lambda status, **kwargs: told.append(status.state)):
        task.pending()
    assert told == ["PENDING"]
    assert "a listener's own fault" in caplog.text


def test_the_soft_time_limit_comes_through_a_listener() -> None:
    """It is the task's, which wants to clean up."""
    task = TaskDriver()
    task.pending()
    task.started()

    def is_slow(**kwargs: Any) -> None:
        raise SoftTimeLimitExceeded

    # Not a change that a busy machine, whose store seems slow, may tell in another thread.
    with listening(is_slow), pytest.raises(SoftTimeLimitExceeded):
        task.success()
    status = get_status(task.task_id)
    assert status is not None
    assert status.state == "SUCCESS"


def test_without_listeners_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """No status is decoded for nobody."""
    monkeypatch.setattr(signals, "TaskStatus", None)
    TaskDriver().pending()
