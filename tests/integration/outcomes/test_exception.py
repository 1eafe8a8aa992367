"""A body that raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.outcomes.stage import Stage

FAILED = ["PENDING", "RECEIVED", "STARTED", "FAILURE"]


async def test_failure_tells_the_exception(stage: Stage) -> None:
    """The error is the exception's text, its type the name of its class; there is no traceback."""
    story = await stage.tell("outcomes.fail", "row 7: no date")
    assert story.states == FAILED
    assert story.fields("error", "error_type") == ("row 7: no date", "ValueError")
    assert story.fields("result", "retries", "name") == (None, 0, "outcomes.fail")
    assert story.last["finished_at"] is not None
    assert b"Traceback" not in story.last.raw


@pytest.mark.parametrize("ignore_result", [False, True])
async def test_an_exception_that_cannot_be_pickled_is_told_as_it_is(
    stage: Stage, ignore_result: bool
) -> None:
    """Celery hands on a wrapper in its place, which nobody wants to read."""
    story = await stage.tell("outcomes.fail_awkwardly", ignore_result=ignore_result)
    assert story.states == FAILED
    assert story.fields("error", "error_type") == ("row 7, column date", "AwkwardError")


async def test_wrong_arguments_are_a_failure(stage: Stage) -> None:
    """A body that can't be called has failed."""
    story = await stage.tell("outcomes.fail", "one", "too many")
    assert story.states == FAILED
    assert story.last["error_type"] == "TypeError"
