"""A body that returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.outcomes.stage import Stage

ORDINARY = ["PENDING", "RECEIVED", "STARTED", "SUCCESS"]


async def test_success_tells_the_result(stage: Stage) -> None:
    """A task goes from the queue to its result, and every status says which task it is."""
    story = await stage.tell("outcomes.answer", {"rows": 3})
    assert story.states == ORDINARY
    assert story.last["result"] == {"rows": 3}
    assert story.fields("error", "error_type", "retries") == (None, None, 0)
    assert {status["name"] for status in story.statuses} == {"outcomes.answer"}
    assert [status["ready"] for status in story.statuses] == [False, False, False, True]


async def test_a_task_alone_is_the_root_of_itself(stage: Stage) -> None:
    """Without a canvas a task has no parent and no group, and says so from PENDING on."""
    story = await stage.tell("outcomes.answer")
    ids = {
        tuple(status[key] for key in ("root_id", "parent_id", "group_id"))
        for status in story.statuses
    }
    assert ids == {(story.last["task_id"], None, None)}


async def test_the_times_are_in_order(stage: Stage) -> None:
    """A task is created, then started, then finished."""
    story = await stage.tell("outcomes.answer")
    created, started, finished = story.fields("created_at", "started_at", "finished_at")
    assert created < started < finished
    assert story.only("PENDING")["created_at"] == created
    assert story.only("STARTED")["finished_at"] is None


@pytest.mark.traps  # the result backend never has the end of such a task
async def test_an_ignored_result_is_told_all_the_same(stage: Stage) -> None:
    """With ignore_result Celery keeps nothing, and the task still ends in SUCCESS."""
    story = await stage.tell("outcomes.answer", 7, ignore_result=True)
    assert story.states == ORDINARY
    assert story.last["result"] == 7


async def test_a_result_that_is_no_json_is_left_out(stage: Stage) -> None:
    """What Celery's serialiser can write and JSON can't is a success without its result."""
    story = await stage.tell("outcomes.answer_at")
    assert story.states == ORDINARY
    assert story.fields("result", "result_omitted") == (None, "not-json")


async def test_a_result_that_celery_cannot_write_is_a_failure(stage: Stage) -> None:
    """Celery fails a task whose result it can't serialise."""
    story = await stage.tell("outcomes.answer_oddly")
    assert story.states == ["PENDING", "RECEIVED", "STARTED", "FAILURE"]
    assert story.fields("result", "error_type") == (None, "EncodeError")
    assert "not JSON serializable" in story.last["error"]
