"""A body whose process ends under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.outcomes.stage import Stage

BEGUN = ["PENDING", "RECEIVED", "STARTED"]


@pytest.mark.parametrize(
    ("name", "cause"), [("outcomes.die", "signal 9"), ("outcomes.leave", "exitcode 3")]
)
async def test_a_lost_process_is_a_failure(stage: Stage, name: str, cause: str) -> None:
    """Killed or left by sys.exit(), the worker's main process tells."""
    story = await stage.tell(name)
    assert story.states == [*BEGUN, "FAILURE"]
    assert story.last["error_type"] == "WorkerLostError"
    assert cause in story.last["error"]


async def test_a_redelivered_task_starts_again(stage: Stage) -> None:
    """With reject_on_worker_lost the task runs again from its start, and no signal tells."""
    story = await stage.tell("outcomes.die_once")
    assert story.states == [*BEGUN, "PROGRESS", "STARTED", "PROGRESS", "SUCCESS"]
    first, second = story.every("STARTED")
    assert (second["progress"], second["retries"]) == (None, 0)
    assert first["started_at"] < second["started_at"]
    assert story.last["result"] == "done"


async def test_a_task_is_retried_because_its_process_was_lost(stage: Stage) -> None:
    """With retry_on_worker_lost the main process asks for another attempt, and tells why."""
    story = await stage.tell("outcomes.die_and_retry")
    assert story.states == [*BEGUN, "RETRY", "STARTED", "SUCCESS"]
    retry = story.only("RETRY")
    assert (retry["error_type"], retry["retries"]) == ("WorkerLostError", 1)
    assert "signal 9" in retry["error"]
    assert story.fields("result", "retries") == ("done", 1)
