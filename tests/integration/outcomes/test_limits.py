"""A body that takes longer than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.outcomes.stage import Stage

LIMIT_SECONDS = 0.3
FAILED = ["PENDING", "RECEIVED", "STARTED", "FAILURE"]


async def test_a_soft_time_limit_is_a_failure(stage: Stage) -> None:
    """The exception that the body did not catch is told."""
    story = await stage.tell("outcomes.outlast", soft_time_limit=LIMIT_SECONDS)
    assert story.states == FAILED
    assert story.last["error_type"] == "SoftTimeLimitExceeded"


async def test_a_task_may_clean_up_at_its_soft_time_limit(stage: Stage) -> None:
    """The exception that the body did catch is the task's own business."""
    story = await stage.tell("outcomes.clean_up")
    assert story.fields("state", "result") == ("SUCCESS", "cleaned up")


async def test_a_hard_time_limit_is_one_failure(stage: Stage) -> None:
    """The worker kills the process, and Celery says so twice."""
    story = await stage.tell("outcomes.outlast", time_limit=LIMIT_SECONDS)
    assert story.states == FAILED
    assert story.last["error_type"] == "TimeLimitExceeded"
    assert str(LIMIT_SECONDS) in story.last["error"]
    assert story.last["name"] == "outcomes.outlast"
