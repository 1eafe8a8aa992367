"""A message that the worker can't make a task of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.outcomes.stage import Stage


async def test_an_unknown_task_is_a_failure(stage: Stage) -> None:
    """A name that the worker has not registered is told in a sentence."""
    story = await stage.tell("outcomes.nobody_wrote_this")
    assert story.states == ["PENDING", "FAILURE"]
    assert story.fields("name", "error_type") == ("outcomes.nobody_wrote_this", "NotRegistered")
    assert "'outcomes.nobody_wrote_this' never registered" in story.last["error"]


async def test_a_malformed_message_is_a_failure(stage: Stage) -> None:
    """What the worker discards as malformed does not stay PENDING."""
    story = await stage.tell("outcomes.answer", headers={"eta": "soon"})
    assert story.states == ["PENDING", "FAILURE"]
    assert story.fields("name", "error_type") == ("outcomes.answer", "InvalidTaskError")
