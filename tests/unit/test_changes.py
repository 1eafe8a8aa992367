"""Changes say what is new, who speaks, and what to begin with when the record is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from taskstatus import changes
from taskstatus.changes import Run
from taskstatus.states import State

if TYPE_CHECKING:
    from taskstatus.changes import Change

IDS = {"parent_id": "p", "root_id": None, "group_id": "g"}


@pytest.fixture
def run() -> Run:
    """Return the second attempt of a task."""
    fields = {
        "name": '"tests.add"',
        "retries": "1",
        "started_at": '"2026-01-01T00:00:00.000000Z"',
    }
    return Run(task_id="an id", attempt=1, number=99, fields=fields, worker="w@h:1")


def shown(change: Change) -> dict[str, object]:
    """Return the fields of a change, decoded; an empty fragment as None."""
    return {key: json.loads(value or "null") for key, value in change.fields.items()}


def test_pending_makes_a_task_known() -> None:
    """Name, relatives, owner and time are told by whoever enqueues."""
    change = changes.pending("an id", name="tests.add", ids=IDS, owner="7")
    assert (change.state, change.attempt, change.run) == (State.PENDING, 0, 0)
    assert change.owner == "7"
    assert change.base is None
    fields = shown(change)
    assert fields["created_at"] == fields["updated_at"]
    assert (fields["name"], fields["parent_id"], fields["root_id"]) == ("tests.add", "p", None)


def test_received_says_nothing_of_when_it_was_created() -> None:
    """A worker does not know when the task was enqueued, and must not overwrite it."""
    assert "created_at" not in changes.received("an id", name="tests.add", ids=IDS).fields


def test_started_clears_what_an_earlier_run_left(run: Run) -> None:
    """A new run has no result, error, progress or end yet."""
    change = changes.started(run)
    assert (change.attempt, change.run, change.worker) == (1, 99, "w@h:1")
    fields = shown(change)
    for name in ("progress", "result", "result_omitted", "error", "error_type", "finished_at"):
        assert fields[name] is None
    assert fields["stalled"] is False
    assert fields["started_at"] == fields["updated_at"] == "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    "make",
    [
        lambda run: changes.progressed(run, {"current": 1}),
        lambda run: changes.custom(run, "PARSING", None),
        lambda run: changes.retried(run, ValueError("why")),
        lambda run: changes.succeeded(run, 1, max_bytes=100),
        lambda run: changes.failed(run.task_id, ValueError("why"), run),
        lambda run: changes.finished(run.task_id, State.IGNORED, run),
        lambda run: changes.log(run, "hello", level="info"),
        lambda run: changes.replaced(run, name="tests.other"),
        changes.requeued,
    ],
)
def test_what_a_run_says_can_begin_a_lost_record(run: Run, make: object) -> None:
    """Each change of a run brings the run's own beginning, by the same speaker."""
    assert callable(make)
    change = make(run)
    assert change.base is not None
    assert change.base.state == State.STARTED
    assert change.base.base is None
    assert (change.base.attempt, change.base.run) == (change.attempt, change.run) == (1, 99)
    assert shown(change.base)["name"] == "tests.add"


def test_progress_has_the_time_of_its_word(run: Run) -> None:
    """Each change says when it was made."""
    fields = shown(changes.progressed(run, {"current": 3}))
    assert fields["progress"] == {"current": 3}
    assert str(fields["updated_at"]) > "2026-01-01T00:00:00.000000Z"


def test_custom_state_keeps_the_progress_unless_it_brings_its_own(run: Run) -> None:
    """A name alone says nothing of how far the task is."""
    assert "progress" not in changes.custom(run, "PARSING", None).fields
    assert shown(changes.custom(run, "PARSING", {"current": 1}))["progress"] == {"current": 1}


def test_custom_state_is_fit_for_the_wire(run: Run) -> None:
    """A state of any length and kind is cut and mended."""
    assert len(changes.custom(run, "S" * 10_000, None).state) < 10_000
    assert changes.custom(run, "\ud800", None).state == "\ufffd"


def test_retry_opens_the_next_attempt(run: Run) -> None:
    """Who has retried once is about to retry twice, for a reason."""
    change = changes.retried(run, ValueError("why"))
    assert (change.state, change.next_attempt) == (State.RETRY, 2)
    fields = shown(change)
    assert (fields["retries"], fields["error"], fields["error_type"]) == (2, "why", "ValueError")


def test_retry_without_a_reason_has_no_error(run: Run) -> None:
    """Nothing is invented."""
    fields = shown(changes.retried(run, None))
    assert (fields["error"], fields["error_type"]) == (None, None)


def test_replacement_begins_anew(run: Run) -> None:
    """The other task has its own name, and no attempt behind it."""
    change = changes.replaced(run, name="tests.other")
    assert (change.state, change.next_attempt) == (State.PENDING, 0)
    fields = shown(change)
    assert (fields["name"], fields["retries"], fields["started_at"]) == ("tests.other", 0, None)


def test_requeued_task_begins_the_same_attempt_again(run: Run) -> None:
    """Its name and retries stay."""
    change = changes.requeued(run)
    assert (change.state, change.next_attempt) == (State.PENDING, 1)
    assert "name" not in change.fields
    assert "retries" not in change.fields


def test_failure_says_why_and_never_where(run: Run) -> None:
    """The text and the class of the exception are told, no traceback."""
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int("seven")
    fields = shown(changes.failed(run.task_id, caught.value, run))
    assert fields["error"] == "invalid literal for int() with base 10: 'seven'"
    assert fields["error_type"] == "ValueError"
    assert fields["finished_at"] == fields["updated_at"]


def test_end_without_a_run_speaks_for_the_current_one() -> None:
    """The worker's main process knows neither attempt nor beginning."""
    for change in (
        changes.failed("an id", None),
        changes.revoked("an id", "expired"),
        changes.finished("an id", State.REJECTED),
        changes.succeeded_elsewhere("an id", 1, max_bytes=100),
    ):
        assert (change.attempt, change.run, change.base) == (0, 0, None)


def test_success_clears_an_earlier_error(run: Run) -> None:
    """After a retry the reason for it is no longer the task's error."""
    fields = shown(changes.succeeded(run, {"a": 1}, max_bytes=100))
    assert fields["result"] == {"a": 1}
    assert (fields["error"], fields["error_type"], fields["result_omitted"]) == (None, None, None)


def test_mark_names_the_state_that_it_is_for() -> None:
    """A mark changes one flag, in one state."""
    change = changes.marked("an id", "PROGRESS", stalled=True)
    assert (change.kind, change.state) == ("mark", "PROGRESS")
    assert shown(change) == {"stalled": True}


def test_outcome_by_hand_shows_what_its_author_says(run: Run) -> None:
    """The text and class come from the task's own meta."""
    change = changes.by_hand(run, State.FAILURE, error="bad", error_type="MyError")
    fields = shown(change)
    assert (change.state, fields["error"], fields["error_type"]) == ("FAILURE", "bad", "MyError")
