"""A body that asks for another attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.outcomes.stage import Stage

#: RECEIVED is told of the first attempt alone.
ONCE_MORE = ["PENDING", "RECEIVED", "STARTED", "RETRY", "STARTED"]


@pytest.mark.parametrize("countdown", [0, 0.3])
async def test_each_attempt_is_told(stage: Stage, countdown: float) -> None:
    """RETRY says why and which attempt is due, comes before it begins, and clears at its start."""
    story = await stage.tell("outcomes.retry", 2, countdown)
    assert story.states == [*ONCE_MORE, "RETRY", "STARTED", "SUCCESS"]
    retries = [
        (status["error"], status["error_type"], status["retries"])
        for status in story.every("RETRY")
    ]
    assert retries == [("attempt 0", "ValueError", 1), ("attempt 1", "ValueError", 2)]
    starts = [(status["error"], status["retries"]) for status in story.every("STARTED")]
    assert starts == [(None, 0), (None, 1), (None, 2)]
    assert story.fields("result", "error", "retries") == (2, None, 2)
    assert not any(status["ready"] for status in story.every("RETRY"))


@pytest.mark.parametrize(
    ("name", "kwargs", "error", "error_type"),
    [
        ("outcomes.retry_caught", {"translate": False}, "'caught'", "KeyError"),
        ("outcomes.retry_caught", {"translate": True}, "told", "OSError"),
        ("outcomes.retry_by_itself", {}, "refused", "ConnectionError"),
    ],
    ids=["what was caught", "another in its place", "autoretry_for"],
)
async def test_the_reason_is_told(
    stage: Stage, name: str, kwargs: dict[str, bool], error: str, error_type: str
) -> None:
    """The reason is the exception given to retry(), else the one that is being handled."""
    story = await stage.tell(name, kwargs=kwargs)
    assert story.states == [*ONCE_MORE, "SUCCESS"]
    retry = story.only("RETRY")
    assert (retry["error"], retry["error_type"], retry["retries"]) == (error, error_type, 1)
    assert story.fields("result", "error", "retries") == ("done", None, 1)


async def test_a_retry_for_no_reason_tells_when_it_is_due(stage: Stage) -> None:
    """Without any exception the error is Celery's own word for the retry."""
    story = await stage.tell("outcomes.retry_silently")
    assert story.states == [*ONCE_MORE, "SUCCESS"]
    retry = story.only("RETRY")
    assert retry["error"].startswith("Retry in 0s")
    assert retry["error_type"] == "Retry"


async def test_the_last_attempt_fails_with_its_reason(stage: Stage) -> None:
    """When there are no more retries the task fails with the exception given to retry()."""
    story = await stage.tell("outcomes.retry", 3)
    assert story.states == [*ONCE_MORE, "RETRY", "STARTED", "FAILURE"]
    assert story.fields("error", "error_type", "retries") == ("attempt 2", "ValueError", 2)


async def test_the_last_attempt_for_no_reason_fails_with_celerys(stage: Stage) -> None:
    """When there are no more retries, nor a reason, the task fails with MaxRetriesExceededError."""
    story = await stage.tell("outcomes.retry_silently", 2)
    assert story.states == [*ONCE_MORE, "FAILURE"]
    assert story.last["error_type"] == "MaxRetriesExceededError"
    assert story.last["error"].startswith("Can't retry outcomes.retry_silently")


async def test_a_task_that_succeeds_after_asking_has_succeeded(stage: Stage) -> None:
    """With throw=False the body goes on; its result stays, whatever the next attempt returns."""
    story = await stage.tell("outcomes.retry_and_return")
    assert story.states[-1] == "SUCCESS"
    assert story.only("RETRY")["error"] == "again"


async def test_a_retry_that_the_broker_does_not_take_is_an_end(stage: Stage) -> None:
    """Celery rejects a task whose next attempt it can't publish."""
    story = await stage.tell("outcomes.retry_in_vain")
    assert story.states == ["PENDING", "RECEIVED", "STARTED", "RETRY", "REJECTED"]
