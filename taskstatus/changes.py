"""What can happen to a task, as a change of its record.

Pure: a change says which fields take a new value, and carries what the store needs to tell whether
it comes in time: the *attempt* (Celery's ``retries``) and the *run* (which delivery's body speaks;
0 stands for "whichever run is current", for those who cannot know: the publisher and the worker's
main process). Of two runs the later one is current. Workers' clocks need not agree on which that
is, so a change tells its run's age, and the store reckons from its own clock when the run began.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from taskstatus.errors import error_text
from taskstatus.messages import encode, encode_result, log_body, text, timestamp
from taskstatus.states import State

__all__ = [
    "Change",
    "Run",
    "by_hand",
    "custom",
    "failed",
    "finished",
    "interrupted",
    "log",
    "marked",
    "now",
    "pending",
    "progressed",
    "received",
    "replaced",
    "requeued",
    "retried",
    "retried_elsewhere",
    "revoked",
    "said_again",
    "started",
    "succeeded",
    "succeeded_elsewhere",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one task's record (``kind``: status), or one line for its log (log).

    A mark changes fields of a task that is in the given state, and leaves the state alone. What is
    said again counts only for a task that the store knows nothing of.
    """

    task_id: str
    kind: str = "status"
    state: str = ""
    #: Which attempt and run speaks.
    attempt: int = 0
    run: int = 0
    #: When the run began, by this process's ``time.monotonic()``.
    began: float = 0.0
    #: Set when the change ends a run and opens the task for the next: RETRY and replace.
    next_attempt: int | None = None
    #: JSON fragments by field name, for those that change.
    fields: Mapping[str, str] = field(default_factory=dict)
    #: The body of a log line.
    body: str = ""
    #: The lease of the worker that runs it.
    worker: str = ""
    #: Who may read the task, besides holders of a token.
    owner: str = ""
    #: The record to begin with when the store has lost its own.
    base: Change | None = None
    #: Names a change that may be sent more than once, so that it counts once.
    key: str = ""

    @property
    def message_kind(self) -> str:
        """What its message is: a log or a status."""
        return "log" if self.kind == "log" else "status"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a task's body in a worker: who speaks in its changes."""

    task_id: str
    attempt: int
    #: Names the run: when the body began, µs since the epoch by the worker's clock.
    number: int
    #: Fragments that hold for the whole run: name, ids, retries, started_at.
    fields: Mapping[str, str]
    #: The lease of the worker, "" without one.
    worker: str = ""
    #: Who may read the task, where its message says so.
    owner: str = ""
    #: When the body began, by this process's clock that never jumps.
    began: float = field(default_factory=time.monotonic)

    @cached_property
    def base(self) -> Change:
        """The change that begins the run, to begin a lost record with."""
        return started(self)

    def change(self, state: str, **fields: str) -> Change:
        """Return a change of state by this run."""
        if "updated_at" not in fields:
            fields["updated_at"] = now()
        return Change(
            task_id=self.task_id,
            state=state,
            attempt=self.attempt,
            run=self.number,
            began=self.began,
            worker=self.worker,
            owner=self.owner,
            fields=fields,
            base=self.base,
        )


_NO_ERROR = {"error": "null", "error_type": "null"}


def now() -> str:
    """Return this moment as a fragment: a timestamp between quotes."""
    return f'"{timestamp()}"'


def pending(
    task_id: str,
    *,
    name: str | None,
    ids: Mapping[str, str | None],
    owner: str = "",
) -> Change:
    """Return the change that makes a task known: it is about to go to the broker.

    ``ids`` holds parent_id, root_id and group_id.
    """
    at = now()
    fields = {key: encode(value) for key, value in ids.items()}
    fields |= {"name": encode(name), "created_at": at, "updated_at": at}
    return Change(task_id=task_id, state=State.PENDING, fields=fields, owner=owner)


def received(task_id: str, *, name: str | None, ids: Mapping[str, str | None]) -> Change:
    """Return the change that says a worker has the task."""
    fields = {key: encode(value) for key, value in ids.items()}
    fields |= {"name": encode(name), "updated_at": now()}
    return Change(task_id=task_id, state=State.RECEIVED, fields=fields)


def started(run: Run) -> Change:
    """Return the change that begins a run; what an earlier run left is cleared."""
    cleared = dict.fromkeys(("progress", "result", "error", "error_type", "finished_at"), "null")
    return Change(
        task_id=run.task_id,
        state=State.STARTED,
        attempt=run.attempt,
        run=run.number,
        began=run.began,
        worker=run.worker,
        owner=run.owner,
        fields={
            **cleared,
            "result_omitted": "",
            "stalled": "false",
            **run.fields,
            "updated_at": run.fields["started_at"],
        },
    )


def said_again(change: Change, *, worker: str, owner: str) -> Change:
    """Return a change as its worker repeats it, should the store have lost the task."""
    return replace(change, kind="again", worker=worker, owner=owner)


def progressed(run: Run, progress: Mapping[str, Any]) -> Change:
    """Return the change that says how far the run is."""
    return run.change(State.PROGRESS, progress=encode(progress))


def custom(run: Run, state: str, progress: Mapping[str, Any] | None) -> Change:
    """Return the change to a state of the task's own (``update_state``)."""
    return run.change(text(state), **({"progress": encode(progress)} if progress else {}))


def retried(run: Run, exception: BaseException | None) -> Change:
    """Return the change that ends an attempt because another one is due."""
    change = run.change(State.RETRY, **_error(run.task_id, exception), retries=str(run.attempt + 1))
    return replace(change, next_attempt=run.attempt + 1)


def retried_elsewhere(task_id: str, exception: BaseException, *, attempt: int) -> Change:
    """Return the change that says which attempt is due, by somebody who did not run the last."""
    fields = {**_error(task_id, exception), "retries": str(attempt), "updated_at": now()}
    return Change(task_id=task_id, state=State.RETRY, fields=fields, next_attempt=attempt)


def interrupted(task_id: str, exception: BaseException) -> Change:
    """Return the change that says that the same attempt is due again, by somebody else."""
    fields = {**_error(task_id, exception), "updated_at": now()}
    return Change(task_id=task_id, state=State.RETRY, fields=fields)


def requeued(run: Run) -> Change:
    """Return the change that puts the task back in its queue, for the same attempt."""
    change = run.change(State.PENDING, progress="null", started_at="null")
    return replace(change, next_attempt=run.attempt)


def replaced(run: Run, *, name: str | None) -> Change:
    """Return the change that hands the task's id to another task (``Task.replace``)."""
    change = run.change(
        State.PENDING, name=encode(name), retries="0", progress="null", started_at="null"
    )
    return replace(change, next_attempt=0)


def succeeded(run: Run, result: object, *, max_bytes: int) -> Change:
    """Return the change that ends the task well."""
    return run.change(State.SUCCESS, **_outcome(result, max_bytes))


def succeeded_elsewhere(task_id: str, result: object, *, max_bytes: int) -> Change:
    """Return the change that says a task ended well, by somebody who did not run it."""
    return Change(task_id=task_id, state=State.SUCCESS, fields=_outcome(result, max_bytes))


def failed(task_id: str, exception: BaseException | None, run: Run | None = None) -> Change:
    """Return the change that ends the task with an error; without a run, whichever is current."""
    return _ended(task_id, State.FAILURE, run, _error(task_id, exception))


def revoked(task_id: str, reason: str, run: Run | None = None) -> Change:
    """Return the change that ends the task because somebody stopped it, or it expired."""
    return _ended(task_id, State.REVOKED, run, {"error": encode(text(reason))})


def marked(task_id: str, state: str, *, stalled: bool) -> Change:
    """Return the change that says whether a task in this state has lost its worker."""
    fields = {"stalled": "true" if stalled else "false"}
    return Change(task_id=task_id, kind="mark", state=state, fields=fields)


def by_hand(run: Run, state: State, *, error: str | None, error_type: str | None) -> Change:
    """Return the change to a terminal state that the task's author has set (``update_state``)."""
    fields = {
        "error": encode(None if error is None else text(error)),
        "error_type": encode(error_type),
    }
    return _ended(run.task_id, state, run, fields)


def finished(task_id: str, state: State, run: Run | None = None) -> Change:
    """Return the change that ends the task without an outcome: REJECTED or IGNORED."""
    return _ended(task_id, state, run, {})


def _ended(task_id: str, state: State, run: Run | None, error: Mapping[str, str]) -> Change:
    at = now()
    fields = {**_NO_ERROR, **error, "stalled": "false", "finished_at": at, "updated_at": at}
    if run is None:
        return Change(task_id=task_id, state=state, fields=fields)
    return run.change(state, **fields)


def _outcome(result: object, max_bytes: int) -> dict[str, str]:
    fragment, omitted = encode_result(result, max_bytes=max_bytes)
    at = now()
    return {
        **_NO_ERROR,
        "result": fragment,
        "result_omitted": omitted,
        "stalled": "false",
        "finished_at": at,
        "updated_at": at,
    }


def log(run: Run, line: object, *, level: str) -> Change:
    """Return a line for the task's log."""
    return Change(
        task_id=run.task_id,
        kind="log",
        attempt=run.attempt,
        run=run.number,
        began=run.began,
        body=log_body(line, level=level, at=timestamp()),
        worker=run.worker,
        base=run.base,
    )


def _error(task_id: str, exception: BaseException | None) -> dict[str, str]:
    if exception is None:
        return _NO_ERROR
    shown = error_text(exception, task_id)
    return {"error": encode(shown), "error_type": encode(type(exception).__name__)}
