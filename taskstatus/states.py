"""The states that a task can be in, and the facts that go with each.

The names are Celery's (``celery.states``); PROGRESS is the convention of its manual, and any
other string is a custom state of the task's own (``update_state``).
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["READY", "RESTARTABLE", "State", "is_interim", "is_ready", "rank"]


class State(StrEnum):
    """A state with a meaning of its own; custom states are plain strings."""

    # It is looked up several times for each change, and Enum's is in Python.
    __hash__ = str.__hash__

    #: Sent to the broker; no worker has it yet.
    PENDING = "PENDING"
    #: A worker has it and has not begun.
    RECEIVED = "RECEIVED"
    #: The task's body is about to run.
    STARTED = "STARTED"
    #: The body runs and has said how far it is.
    PROGRESS = "PROGRESS"
    #: The attempt ended and another one is due.
    RETRY = "RETRY"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    #: Stopped by somebody, or expired before it began.
    REVOKED = "REVOKED"
    #: Refused by the task itself (``celery.exceptions.Reject``).
    REJECTED = "REJECTED"
    #: Ended without an outcome (``celery.exceptions.Ignore``).
    IGNORED = "IGNORED"


#: Terminal: nothing follows, except a new run after one that is restartable.
READY = frozenset({State.SUCCESS, State.FAILURE, State.REVOKED, State.REJECTED, State.IGNORED})

#: A redelivered or re-run task may start again after these.
RESTARTABLE = frozenset({State.FAILURE, State.REVOKED})

_RANKS: dict[str, int] = {
    State.PENDING: 0,
    State.RECEIVED: 1,
    State.RETRY: 3,
    **dict.fromkeys(READY, 4),
}


def is_ready(state: str) -> bool:
    """Return whether the state is terminal."""
    return state in READY


def rank(state: str) -> int:
    """Return how far along a run of a task stands: a lower rank never follows a higher one."""
    return _RANKS.get(state, 2)


def is_interim(state: str) -> bool:
    """Return whether a newer status in the same state may stand for this one (PROGRESS, custom)."""
    return state != State.STARTED and rank(state) == 2
