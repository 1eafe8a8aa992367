"""A body that hands its task over to another one (``Task.replace``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.outcomes.stage import Stage

HANDED_OVER = ["PENDING", "RECEIVED", "STARTED", "PENDING"]


@pytest.mark.parametrize(
    ("by", "name", "result"),
    [
        ("a task", "outcomes.answer", "by another"),
        ("a chain", "outcomes.answer", "by another"),
        ("a group", "celery.accumulate", ["one", "two"]),
    ],
)
async def test_a_replaced_task_ends_as_the_other_does(
    stage: Stage, by: str, name: str, result: object
) -> None:
    """The task waits again, under the other's name, and ends with the other's result."""
    story = await stage.tell("outcomes.replace", by)
    assert story.states == [*HANDED_OVER, "RECEIVED", "STARTED", "SUCCESS"]
    assert [status["name"] for status in story.statuses[:3]] == ["outcomes.replace"] * 3
    assert story.fields("name", "result") == (name, result)
    assert [status["ready"] for status in story.statuses].count(True) == 1
    assert len({status["created_at"] for status in story.statuses}) == 1


async def test_a_replaced_task_fails_as_the_other_does(stage: Stage) -> None:
    """The other's failure is the task's."""
    story = await stage.tell("outcomes.replace", "a failing task")
    assert story.states == [*HANDED_OVER, "RECEIVED", "STARTED", "FAILURE"]
    assert story.fields("name", "error") == ("outcomes.fail", "by another")


async def test_a_replaced_task_is_not_its_own_parent(stage: Stage) -> None:
    """Celery names the replaced task as the parent, by an id that both have."""
    story = await stage.tell("outcomes.replace", "a task")
    assert {status["parent_id"] for status in story.statuses} == {None}
    assert {status["root_id"] for status in story.statuses} == {story.last["task_id"]}
