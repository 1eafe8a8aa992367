"""A task that somebody stops, or that comes too late."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.outcomes.stage import Stage

FUTURE_SECONDS = 0.5


async def test_a_task_is_revoked_in_its_queue(stage: Stage) -> None:
    """The worker discards it as soon as it comes across it."""
    async with stage.watched("outcomes.answer", held=True) as watch:
        stage.revoke(watch.task_id)
        stage.open_queue(watch.queue)
        story = await watch.story()
    assert story.states == ["PENDING", "REVOKED"]
    assert story.fields("error", "error_type", "name") == ("revoked", None, "outcomes.answer")


async def test_a_task_is_revoked_before_its_time(stage: Stage) -> None:
    """A task with a countdown is discarded when it is due."""
    async with stage.watched("outcomes.answer", countdown=FUTURE_SECONDS) as watch:
        await watch.seen("RECEIVED")
        stage.revoke(watch.task_id)
        story = await watch.story()
    assert story.states == ["PENDING", "RECEIVED", "REVOKED"]
    assert story.last["error"] == "revoked"


async def test_a_running_task_is_terminated(stage: Stage) -> None:
    """Its process is killed, and what it says in its last moments changes nothing."""
    async with stage.watched("outcomes.outlast") as watch:
        await watch.seen("STARTED")
        stage.revoke(watch.task_id, terminate=True)
        story = await watch.story()
    assert story.states == ["PENDING", "RECEIVED", "STARTED", "REVOKED"]
    assert story.fields("error", "error_type", "result") == ("terminated", None, None)


async def test_an_expired_task_is_revoked(stage: Stage) -> None:
    """A task that is still in its queue when it expires never begins."""
    async with stage.watched("outcomes.answer", held=True, expires=-1) as watch:
        stage.open_queue(watch.queue)
        story = await watch.story()
    assert story.states == ["PENDING", "REVOKED"]
    assert story.fields("error", "name") == ("expired", "outcomes.answer")
