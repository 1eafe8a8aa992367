"""A body that says how far it is: ``track()``, and ``update_state`` as people write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.outcomes.stage import Stage

BEGUN = ["PENDING", "RECEIVED", "STARTED"]


async def test_a_tracked_loop_tells_its_end(stage: Stage) -> None:
    """The last progress is the exact one, however short ago the one before it was."""
    story = await stage.tell("outcomes.count", 1_000)
    assert story.states == [*BEGUN, "PROGRESS", "SUCCESS"]
    told = story.only("PROGRESS")["progress"]
    assert (told["current"], told["total"], told["percent"]) == (1_000, 1_000, 100)
    assert told["message"] == "counting"
    assert story.last["progress"] == told


async def test_a_tracked_loop_that_fails_tells_how_far_it_came(stage: Stage) -> None:
    """The rows that were done before the failing one are told, and then the failure."""
    story = await stage.tell("outcomes.count", 1_000, 777)
    assert story.states == [*BEGUN, "PROGRESS", "FAILURE"]
    assert story.only("PROGRESS")["progress"]["current"] == 777
    assert story.fields("error", "error_type") == ("row 777", "ValueError")


@pytest.mark.parametrize(
    ("meta", "progress"),
    [
        ({"current": 3, "total": 12}, (3, 12, 25, "")),
        ({"current": 3, "total": 12, "description": "rows"}, (3, 12, 25, "rows")),
        ({"current": 3, "total": 12, "message": "rows"}, (3, 12, 25, "rows")),
        ({"current": "3", "total": "12.0"}, (3, 12, 25, "")),
        ({"current": 3, "total": None}, (3, None, None, "")),
        ({"current": 13, "total": 12}, (13, 12, None, "")),
        ({"done": 3}, (None, None, None, "")),
        ("halfway", (None, None, None, "")),
        (
            # What celery-progress's recorder writes.
            {"pending": False, "current": 3, "total": 12, "percent": 25.0, "description": ""},
            (3, 12, 25, ""),
        ),
    ],
    ids=str,
)
async def test_a_meta_shows_as_progress(
    stage: Stage, meta: Any, progress: tuple[object, ...]
) -> None:
    """What the meta holds is told, and what it does not hold is unknown."""
    story = await stage.tell("outcomes.report", [("PROGRESS", meta)])
    assert story.states == [*BEGUN, "PROGRESS", "SUCCESS"]
    told = story.only("PROGRESS")["progress"]
    assert tuple(told[key] for key in ("current", "total", "percent", "message")) == progress


async def test_states_of_the_tasks_own_are_told(stage: Stage) -> None:
    """Each change to a custom state is told, with its progress where it has one."""
    updates = [
        ("PARSING", None),
        ("CHECKING", {"current": 1, "total": 2}),
        ("PROGRESS", {"current": 2, "total": 2}),
        ("SAVING", {"file": "a.csv"}),
    ]
    story = await stage.tell("outcomes.report", updates)
    assert story.states == [*BEGUN, "PARSING", "CHECKING", "PROGRESS", "SAVING", "SUCCESS"]
    assert story.only("CHECKING")["progress"]["percent"] == 50
    assert story.only("SAVING")["progress"]["percent"] == 100


async def test_celerys_own_states_set_by_hand_are_not_told(stage: Stage) -> None:
    """PENDING or RETRY said by a body that runs would be untrue, and hide what follows."""
    updates = [(state, None) for state in ("PENDING", "RECEIVED", "STARTED", "RETRY")]
    story = await stage.tell("outcomes.report", [*updates, ("PROGRESS", {"current": 1})])
    assert story.states == [*BEGUN, "PROGRESS", "SUCCESS"]


async def test_an_update_may_come_through_another_task(stage: Stage) -> None:
    """What counts is the id; helpers call the method on any task."""
    story = await stage.tell("outcomes.report_elsewhere")
    assert story.states == [*BEGUN, "PROGRESS", "SUCCESS"]
    assert story.only("PROGRESS")["progress"]["percent"] == 25


async def test_updates_are_told_with_an_ignored_result(stage: Stage) -> None:
    """With ignore_result Celery's backend says PROGRESS for ever; the task has succeeded."""
    updates = [("PROGRESS", {"current": 1, "total": 2})]
    story = await stage.tell("outcomes.report", updates, ignore_result=True)
    assert story.states == [*BEGUN, "PROGRESS", "SUCCESS"]
