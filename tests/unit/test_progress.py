"""What task authors call by hand: values, lines, and nothing at all outside a task."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from taskstatus import Cancelled, log, progress, track
from taskstatus.progress import current_activity
from taskstatus.stores import get_store
from tests.project.celery import app
from tests.unit.eager import run, tracked

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


def test_outside_a_task_nothing_happens() -> None:
    """The iterable itself comes back, and no word is said."""
    rows = [1, 2, 3]
    assert track(rows, total=5, message="x") is rows
    progress(1, 2)
    log("hello")
    assert current_activity() is None


def test_task_called_as_a_function_says_nothing() -> None:
    """Only the body that Celery runs tells how far it is; what it calls is its own affair."""

    @app.task(name=f"tests.unit.{uuid.uuid4()}", shared=False)
    def inner() -> int:
        return sum(1 for _ in track(range(2), message="inner"))

    result, messages = run(inner)
    assert result.get() == 2
    assert messages[-1]["name"] != inner.name
    assert messages[-1]["state"] == "SUCCESS"
    del app.tasks[inner.name]


def test_progress_tells_a_value() -> None:
    """By hand, with or without a total."""

    def body() -> None:
        progress(3, 4, "three")

    _, messages = run(body)
    last = tracked(messages)[-1]
    assert (last["current"], last["total"], last["percent"]) == (3, 4, 75)
    assert last["message"] == "three"


@pytest.mark.parametrize("value", ["3", None, True, [1], object()])
def test_progress_takes_numbers_alone(value: Any) -> None:
    """A mistake is told at once, in a task as in a shell; None means an unknown total."""
    if value is not None:
        with pytest.raises(TypeError, match="takes numbers"):
            progress(value)
        with pytest.raises(TypeError, match="takes numbers"):
            progress(1, value)
    progress(1, None)


def test_lines_are_never_held_back() -> None:
    """However fast they come, each is kept, in order, with its level."""

    def body() -> None:
        for number in range(50):
            log(f"line {number}", level="warning" if number % 2 else "info")
        log(ValueError("of any kind"))

    _, messages = run(body)
    lines = [message for message in messages if message["type"] == "log"]
    assert [line["message"] for line in lines[:-1]] == [f"line {number}" for number in range(50)]
    assert {line["level"] for line in lines} == {"info", "warning"}
    assert lines[-1]["message"] == "of any kind"


@pytest.mark.parametrize("how", ["track", "progress"])
def test_task_that_is_asked_to_stop_is_cancelled(how: str, settings: Settings) -> None:
    """The next step raises Cancelled, and the task ends as REVOKED."""
    settings.TASKSTATUS_PROGRESS_INTERVAL_SECONDS = 0

    def body() -> None:
        activity = current_activity()
        assert activity is not None
        get_store().ask_to_stop(activity.run.task_id)
        if how == "track":
            list(track(range(1_000)))
        progress(1)
        progress(2)

    result, messages = run(body)
    assert isinstance(result.result, Cancelled)
    assert messages[-1]["state"] == "REVOKED"
