"""What ``Task.update_state`` says: progress, a state of the task's own, or an outcome by hand.

Pure of Celery; the receivers hand each call over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from taskstatus import changes
from taskstatus.activity import Activity
from taskstatus.changes import Change
from taskstatus.conf import settings
from taskstatus.errors import error_text
from taskstatus.messages import text
from taskstatus.states import State, is_interim, is_ready

__all__ = ["ended_by_hand", "update"]

#: ``ValueError`` as people write it into their meta: also as ``<class 'builtins.ValueError'>``.
_CLASS_NAME = re.compile(r"(?:<class ')?(?:[\w.]*\.)?(\w+)(?:'>)?\Z")
_TRACEBACK = "Traceback (most recent call last)"


def update(activity: Activity, state: str, meta: Any) -> None:
    """Take one call of ``update_state`` by the running task.

    A terminal state counts once the body has ended, and then only if Celery has no better word
    (``Ignore``): until then the task may still return a result or raise.
    """
    if not isinstance(meta, Mapping):
        # Celery takes the exception itself with FAILURE.
        is_error = isinstance(meta, BaseException)
        told = error_text(meta, activity.run.task_id) if is_error else ""
        meta = {"exc_message": told, "exc_type": type(meta)} if is_error else {}
    if is_ready(state):
        activity.by_hand = (State(state), meta)
        return
    if not is_interim(state):
        # PENDING, RECEIVED, STARTED, RETRY: Celery's signals tell these, and when they are true.
        return
    current, total = _number(meta.get("current")), _number(meta.get("total"))
    if current is None and total is None and state != State.PROGRESS:
        activity.meter.enter(state)
        return
    message = meta.get("description") or meta.get("message") or ""
    activity.meter.update(current, total, message, state)


def ended_by_hand(activity: Activity) -> Change | None:
    """Return the change to the terminal state that the task's author has set, if there is one."""
    if activity.by_hand is None:
        return None
    state, meta = activity.by_hand
    if state == State.SUCCESS:
        # Celery's backend keeps the meta as the result, too.
        return changes.succeeded(activity.run, meta, max_bytes=settings.MAX_RESULT_BYTES)
    error, error_type = None, None
    if state in {State.FAILURE, State.REVOKED}:
        error, error_type = _error(meta), _error_type(meta.get("exc_type"))
    return changes.by_hand(activity.run, state, error=error, error_type=error_type)


def _error(meta: Mapping[str, Any]) -> str:
    """Return what a meta says of a failure: in Celery's own form, or as people write it."""
    keys = ("exc_message", "error", "message", "description")
    value = next((meta[key] for key in keys if meta.get(key)), "")
    # Celery keeps the exception's arguments there, people the lines of a traceback.
    parts = value if isinstance(value, list | tuple) else [value]
    error = "\n".join(text(part) for part in parts).strip()
    # No traceback is ever sent; its last line is what it says.
    return error.rpartition("\n")[2] if error.startswith(_TRACEBACK) else error


def _error_type(value: Any) -> str | None:
    name = value.__name__ if isinstance(value, type) else value
    match = _CLASS_NAME.match(name) if isinstance(name, str) else None
    return match[1] if match else None


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
