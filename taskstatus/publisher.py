"""Record a change, then tell the task's group. Never raises, never makes the task wait for long."""

from __future__ import annotations

import logging

from billiard.exceptions import SoftTimeLimitExceeded

from taskstatus import groups
from taskstatus.changes import Change
from taskstatus.counts import COUNTS
from taskstatus.exceptions import StoreUnavailable
from taskstatus.outbox import Outbox
from taskstatus.signals import announce
from taskstatus.states import State
from taskstatus.stores import MissingRecord, get_store

__all__ = ["flush", "outbox_depth", "publish"]

logger = logging.getLogger(__name__)


def publish(change: Change) -> bool:
    """Record a change and tell the task's group; return whether the task has been asked to stop.

    Changes of one process take effect in order. When the store does not answer (one try, about a
    second), this and all later changes go to the outbox, which sends them once it does; the caller
    does not wait. Raises nothing but what interrupts the task itself (Celery's soft time limit,
    SystemExit and the like).
    """
    if _outbox:
        _outbox.put(change)
        return False
    try:
        return _send(change)
    except StoreUnavailable:
        COUNTS.unpublished += 1
        _outbox.put(change)
    except SoftTimeLimitExceeded:
        raise
    except Exception:
        # A task must not fail because its status could not be told.
        logger.exception("A change of task %s could not be recorded", change.task_id)
    return False


def outbox_depth() -> int:
    """Return how many changes of this process wait for the store."""
    return len(_outbox)


def flush(seconds: float = 2.0) -> bool:
    """Wait for what the outbox holds, so long at most; return whether it is all sent."""
    return _outbox.flush(seconds)


def _send(change: Change) -> bool:
    store = get_store()
    kind = "log" if change.kind == "log" else "status"
    address = groups.envelope(change.task_id, kind, change.state)
    group, envelope = address or ("", b"")
    try:
        message = store.record(change, group=group, envelope=envelope)
    except MissingRecord:
        # The store has lost the record; begin it again with what this run knows of the task.
        if change.base is not None:
            _send(change.base)
        message = store.record(change, group=group, envelope=envelope)
    # Nobody can be following a task that was unknown until now; other changes have been lost.
    unknown = message is not None and not message.prev and change.state == State.PENDING
    if message is not None and address is None and not unknown:
        groups.send(change.task_id, message)
    if message is not None:
        announce(message)
    return message is not None and message.asked_to_stop


_outbox = Outbox(_send)
