"""Record a change, then tell the task's group. Never raises, never makes the task wait for long."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count

from billiard.exceptions import SoftTimeLimitExceeded

from taskstatus import groups
from taskstatus.changes import Change
from taskstatus.counts import COUNTS
from taskstatus.exceptions import StoreUnavailable
from taskstatus.messages import Message
from taskstatus.outbox import Outbox
from taskstatus.signals import announce, has_listeners
from taskstatus.states import State, is_interim, is_ready
from taskstatus.stores import MissingRecord, get_store
from taskstatus.unanswered import Unanswered

__all__ = ["flush", "outbox_depth", "publish", "settle"]

logger = logging.getLogger(__name__)

#: A store that takes longer than this for a change, twice in a row, is slow, and then the outbox
#: tells it for so many times as long.
SLOW_SECONDS = 0.02
SLOW_FACTOR = 50
#: How long a change waits for what its task has in the outbox: about as long as the store may take
#: to answer.
TURN_SECONDS = 1.0


def publish(change: Change, *, wait: bool = True) -> bool:
    """Record a change and tell the task's group; return whether the task has been asked to stop.

    Changes of one task by one process take effect in order, and once. When the store does not
    answer (one try, about a second), this and all later changes go to the outbox, which sends them
    once it does; the caller does not wait. To a slow store the outbox sends the lines and interim
    states, which make a task wait for a fiftieth of its time at most. Any other change is recorded
    when this returns, so that neither the end of the process nor another process overtakes it; it
    waits TURN_SECONDS at most for what its task has in the outbox, and then goes there, too.

    Without ``wait`` it has been sent when this returns, and the store's answer is read before this
    process tells it anything else, or a fifth of a second later; if it was not taken, it is told
    again then. Whether the task has been asked to stop, the next change will tell. That is for what
    no other process can contradict meanwhile, and only where all goes well: a store that was slow
    or away is waited for all the same.

    Raises nothing but what interrupts the task itself (Celery's soft time limit, SystemExit and the
    like).
    """
    began = time.monotonic()
    _unanswered.read()
    key = _new_key()
    is_slow = began < _slow_until
    if (_outbox or is_slow) and not _is_due(change):
        _outbox.put(replace(change, key=key))
        return change.task_id in _asked_to_stop
    send = _send_now if wait or is_slow or _outbox else _send_ahead
    return _attempt(change, key, partial(send, change, key, began))


def outbox_depth() -> int:
    """Return how many changes of this process wait for the store."""
    return len(_outbox)


def flush(seconds: float = 2.0) -> bool:
    """Wait for what the outbox holds, so long at most; return whether the store has it all."""
    _unanswered.read()
    return _outbox.flush(seconds)


def settle(seconds: float = 5.0) -> None:
    """Wait until a slow store has taken everything; do not wait for one that is away."""
    _unanswered.read()
    _outbox.settle(seconds)


def _attempt(change: Change, key: str, act: Callable[[], bool]) -> bool:
    """Return what an act returns that tells the store of a change; see to it that it gets there."""
    try:
        return act()
    except StoreUnavailable:
        # It may have been taken all the same; then the store knows it by its key.
        COUNTS.unpublished += 1
        _outbox.put(replace(change, key=key), failed=True)
    except SoftTimeLimitExceeded:
        raise
    except Exception:
        # A task must not fail because its status could not be told.
        logger.exception("A change of task %s could not be recorded", change.task_id)
    return False


def _send_now(change: Change, key: str, began: float) -> bool:
    asked_to_stop = _send(change, key)
    _note_pace(began)
    return asked_to_stop


def _send_ahead(change: Change, key: str, began: float) -> bool:
    # Listeners, and groups that the store does not tell, are told of what has been recorded. And
    # other threads share their connections: several tasks may run there at a time.
    waits = has_listeners() or threading.current_thread() is not threading.main_thread()
    address = None if waits else _address(change)
    if address is None:
        return _send_now(change, key, began)
    group, envelope = address
    answer = get_store().send(change, key=key, group=group, envelope=envelope)
    _unanswered.hold(partial(_attempt, change, key, partial(_confirm, change, key, answer)))
    if is_ready(change.state):
        _asked_to_stop.discard(change.task_id)
    return False


def _confirm(change: Change, key: str, answer: Callable[[], Message | None]) -> bool:
    try:
        answer()
    except MissingRecord:
        _send(change, key)
    return False


def _send(change: Change, key: str = "") -> bool:
    store = get_store()
    key = key or change.key
    address = _address(change)
    group, envelope = address or ("", b"")
    try:
        message = store.record(change, key=key, group=group, envelope=envelope)
    except MissingRecord:
        # The store has lost the record; begin it again with what this run knows of the task.
        if change.base is not None:
            _send(change.base)
        message = store.record(change, key=key, group=group, envelope=envelope)
    # Nobody can be following a task that was unknown until now; other changes have been lost.
    unknown = message is not None and not message.prev and change.state == State.PENDING
    if message is not None and address is None and not unknown:
        groups.send(change.task_id, message)
    if message is not None:
        announce(message)
    if message is not None and message.ready:
        _asked_to_stop.discard(change.task_id)
        return False
    return message is not None and message.asked_to_stop


def _address(change: Change) -> tuple[str, bytes] | None:
    """Return how the store itself can tell the task's group, None when it can't."""
    return groups.envelope(change.task_id, change.message_kind, change.state)


def _is_due(change: Change) -> bool:
    """Return, perhaps after a wait, whether a change is to be recorded now by a slow store."""
    # A task may have thousands of these; what is said again is so every few seconds, for all tasks.
    may_be_late = change.kind in {"log", "again"} or (
        change.kind == "status" and is_interim(change.state)
    )
    return not may_be_late and _outbox.turn(change.task_id, TURN_SECONDS)


def _note_pace(began: float) -> None:
    global _slow_until, _was_slow  # noqa: PLW0603 - one store, one pace
    now = time.monotonic()
    is_slow = now - began > SLOW_SECONDS
    # Once may be the connection that had to be made, or a busy machine.
    if is_slow and _was_slow:
        _slow_until = now + SLOW_FACTOR * (now - began)
    _was_slow = is_slow


def _send_later(change: Change) -> None:
    """Send for a task that has long gone on; what it would have been told, it is told next time."""
    if _send(change):
        _asked_to_stop.add(change.task_id)


def _new_key() -> str:
    return f"{_origin}.{next(_count):x}"


def _renew_origin() -> None:
    global _origin  # noqa: PLW0603 - a process is one origin
    _origin = secrets.token_hex(4)


_origin = secrets.token_hex(4)
_count = count()
os.register_at_fork(after_in_child=_renew_origin)
_slow_until = 0.0
_was_slow = False
_asked_to_stop: set[str] = set()
_outbox = Outbox(_send_later)
_unanswered = Unanswered()
