"""A body that gives no outcome: Ignore, Reject, and states set by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.outcomes.stage import Stage

BEGUN = ["PENDING", "RECEIVED", "STARTED"]


async def test_ignore_is_an_end(stage: Stage) -> None:
    """Celery keeps no state for a task that raised Ignore; it is over."""
    story = await stage.tell("outcomes.ignore")
    assert story.states == [*BEGUN, "IGNORED"]
    assert story.fields("ready", "error", "result") == (True, None, None)
    assert story.last["finished_at"] is not None


@pytest.mark.parametrize("requeue", [False, True])
async def test_reject_is_an_end(stage: Stage, requeue: bool) -> None:
    """A rejected message is gone; to its queue it can't go back once it is acknowledged."""
    story = await stage.tell("outcomes.reject", kwargs={"requeue": requeue})
    assert story.states == [*BEGUN, "REJECTED"]
    assert story.fields("ready", "error", "result") == (True, None, None)


async def test_a_rejected_message_is_delivered_again(stage: Stage) -> None:
    """With acks_late and requeue the task waits in its queue again, and runs again."""
    story = await stage.tell("outcomes.reject_once")
    assert story.states == [*BEGUN, *BEGUN, "SUCCESS"]
    assert story.fields("result", "retries") == ("done", 0)


@pytest.mark.parametrize(
    ("meta", "error", "error_type"),
    [
        ({"exc_type": "ParseError", "exc_message": "line 3"}, "line 3", "ParseError"),
        (
            {"exc_type": "<class 'app.ParseError'>", "exc_message": ["line 3"]},
            "line 3",
            "ParseError",
        ),
        (
            {"exc_message": "Traceback (most recent call last):\n  File …\nParseError: line 3\n"},
            "ParseError: line 3",
            None,
        ),
        ({"error": "line 3"}, "line 3", None),
        (None, "", None),
    ],
    ids=["Celery's form", "celery-progress's form", "a traceback", "free form", "no meta"],
)
async def test_a_failure_by_hand_is_a_failure(
    stage: Stage, meta: Any, error: str, error_type: str | None
) -> None:
    """update_state(FAILURE) and then Ignore is how Celery's manual sets a failure by hand."""
    story = await stage.tell("outcomes.declare", "FAILURE", meta, "ignore")
    assert story.states == [*BEGUN, "FAILURE"]
    assert story.fields("error", "error_type", "result") == (error, error_type, None)


async def test_a_success_by_hand_has_its_meta_as_result(stage: Stage) -> None:
    """update_state(SUCCESS) and then Ignore leaves the meta as the result, as in the backend."""
    story = await stage.tell("outcomes.declare", "SUCCESS", {"rows": 3}, "ignore")
    assert story.states == [*BEGUN, "SUCCESS"]
    assert story.last["result"] == {"rows": 3}


@pytest.mark.parametrize(
    ("state", "then", "outcome"),
    [
        ("SUCCESS", "return", ("SUCCESS", "returned", None)),
        ("FAILURE", "return", ("SUCCESS", "returned", None)),
        ("SUCCESS", "raise", ("FAILURE", None, "raised")),
        ("FAILURE", "raise", ("FAILURE", None, "raised")),
    ],
)
async def test_how_the_body_ends_outweighs_what_it_said(
    stage: Stage, state: str, then: str, outcome: tuple[Any, ...]
) -> None:
    """A terminal state set by hand is no end while the body runs, and then the end is Celery's."""
    meta = {"exc_type": "ValueError", "exc_message": "by hand"}
    story = await stage.tell("outcomes.declare", state, meta, then)
    assert story.states == [*BEGUN, outcome[0]]
    assert story.fields("state", "result", "error") == outcome
