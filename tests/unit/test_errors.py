"""What is told of an exception: its text, what the project makes of it, or its class alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taskstatus import changes
from taskstatus.activity import Activity
from taskstatus.changes import Run
from taskstatus.errors import error_text
from taskstatus.exceptions import Cancelled
from taskstatus.receivers import updates
from taskstatus.receivers.ending import raised

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

SECRET = "postgres://admin:hunter2@db"
RUN = Run(task_id="an id", attempt=0, number=1, fields={"started_at": '"then"'})


class PublicError(Exception):
    """One whose text is meant for readers."""


def only_public(exception: BaseException, task_id: str) -> str:
    """A filter as one would write it."""
    return str(exception) if isinstance(exception, PublicError) else f"Ask for {task_id}."


def failing(exception: BaseException, task_id: str) -> str:
    """A filter with a mistake, in whose own error the secret is."""
    raise RuntimeError(f"cannot filter {exception}")


def no_text(exception: BaseException, task_id: str) -> Any:
    """A filter that forgets to return anything."""


def use(settings: Settings, function: Any) -> None:
    """Let the settings name a filter of this module."""
    settings.TASKSTATUS_ERROR_FILTER = f"{__name__}.{function.__name__}"


def test_exception_speaks_for_itself_by_default() -> None:
    """str(exception), cut where it is endless."""
    assert error_text(ValueError("row 7"), "an id") == "row 7"
    assert len(error_text(ValueError("x" * 5_000_000), "an id")) <= 4_096


def test_filter_decides_what_is_told(settings: Settings) -> None:
    """It has the exception itself and the task's id to go by."""
    use(settings, only_public)
    assert error_text(PublicError("row 7"), "an id") == "row 7"
    assert error_text(ValueError(SECRET), "an id") == "Ask for an id."


@pytest.mark.parametrize("function", [failing, no_text])
def test_filter_that_fails_hides_all_but_the_class(
    settings: Settings, caplog: pytest.LogCaptureFixture, function: Any
) -> None:
    """What it was to hide is neither told nor logged."""
    use(settings, function)
    assert error_text(ValueError(SECRET), "an id") == "ValueError"
    assert "TASKSTATUS_ERROR_FILTER failed" in caplog.text
    assert "hunter2" not in caplog.text


def test_filter_that_cannot_be_imported_hides_all_but_the_class(settings: Settings) -> None:
    """A typing mistake in the settings opens nothing."""
    settings.TASKSTATUS_ERROR_FILTER = "nowhere.to.be.found"
    assert error_text(ValueError(SECRET), "an id") == "ValueError"


@pytest.mark.parametrize(
    "make",
    [
        lambda error: changes.failed("an id", error),
        lambda error: changes.failed("an id", error, RUN),
        lambda error: changes.retried(RUN, error),
        lambda error: changes.retried_elsewhere("an id", error, attempt=1),
        lambda error: changes.interrupted("an id", error),
        lambda error: raised("an id", error, None),
        lambda error: raised("an id", Cancelled(str(error)), None),
    ],
)
def test_no_change_tells_more_than_the_filter(settings: Settings, make: Any) -> None:
    """Every way in which an exception becomes part of a status goes through it."""
    use(settings, only_public)
    assert make(ValueError(SECRET)).fields["error"] == '"Ask for an id."'


def test_exception_set_by_hand_is_filtered_too(settings: Settings) -> None:
    """``update_state("FAILURE", meta=exception)`` is no way around it."""
    use(settings, only_public)
    activity = Activity(RUN)
    updates.update(activity, "FAILURE", ValueError(SECRET))
    change = updates.ended_by_hand(activity)
    assert change is not None
    assert change.fields["error"] == '"Ask for an id."'
