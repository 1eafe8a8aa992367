"""Celery's signals → changes. What each outcome looks like is told by the tests, one by one.

P is the process that publishes a task, M a worker's main process, C the pool's child that runs the
body (the same process in other pools). States are never derived from ``task_postrun``, except those
that no other signal tells.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import celery
from celery import signals
from celery.exceptions import NotRegistered, Reject

from taskstatus import changes, owner
from taskstatus.activity import Activity
from taskstatus.changes import Run
from taskstatus.conf import settings
from taskstatus.exceptions import Cancelled
from taskstatus.messages import encode, timestamp
from taskstatus.progress import current_activity
from taskstatus.publisher import flush, publish
from taskstatus.states import State, is_ready

__all__ = ["connect"]

_retrying = threading.local()


def before_task_publish(
    sender: str, headers: Mapping[str, Any], body: Any = None, **kwargs: Any
) -> None:
    """P, and C for retries and replacements: the task is about to go to the broker."""
    # Message protocol 1 keeps all of this in the body.
    info = headers if "id" in headers else body
    activity = current_activity()
    if activity is not None and activity.run.task_id == info["id"] and not activity.handed_on:
        activity.finish()
        activity.handed_on = True
        if info.get("retries", 0) > activity.run.attempt:
            publish(changes.retried(activity.run, getattr(_retrying, "reason", None)))
        else:
            publish(changes.replaced(activity.run, name=sender))
        return
    publish(changes.pending(info["id"], name=sender, ids=_ids(info), owner=owner.current()))


def task_received(request: Any, **kwargs: Any) -> None:
    """M: a worker has the task."""
    info = request.request_dict
    # A later attempt is announced by RETRY, which says more.
    if not info.get("retries"):
        publish(changes.received(request.id, name=request.name, ids=_ids(info)))


def task_prerun(task_id: str, task: Any, **kwargs: Any) -> None:
    """C: the body is about to run."""
    request = task.request
    outer = getattr(_retrying, "eager", None)
    if outer is not None and outer.run.task_id == task_id and not outer.handed_on:
        # An eager retry runs inside the attempt that asked for it, and is not published.
        outer.handed_on = True
        outer.finish()
        publish(changes.retried(outer.run, _retrying.reason))
    microseconds = time.time_ns() // 1_000
    at = timestamp(datetime.fromtimestamp(microseconds / 1_000_000, UTC))
    ids = {"parent_id": request.parent_id, "root_id": request.root_id, "group_id": request.group}
    fields = {key: encode(value) for key, value in ids.items()}
    fields |= {
        "name": encode(task.name),
        "retries": str(request.retries),
        "started_at": f'"{at}"',
    }
    run = Run(task_id=task_id, attempt=request.retries, number=microseconds, fields=fields)
    request.taskstatus = Activity(run)
    publish(changes.started(run))


def task_success(sender: Any, result: Any, **kwargs: Any) -> None:
    """C: the body has returned, and its result is stored."""
    activity = _activity(sender)
    if activity is not None:
        activity.finish()
        publish(changes.succeeded(activity.run, result, max_bytes=settings.MAX_RESULT_BYTES))


def task_failure(sender: Any, task_id: str, exception: BaseException, **kwargs: Any) -> None:
    """C: the body has raised. M: the child is gone, or was past its hard time limit."""
    activity = _activity(sender, task_id)
    if activity is not None:
        activity.finish()
    run = activity.run if activity else None
    if isinstance(exception, Cancelled):
        publish(changes.revoked(task_id, str(exception), run))
    else:
        publish(changes.failed(task_id, exception, run))


def task_revoked(request: Any, terminated: bool, expired: bool, **kwargs: Any) -> None:
    """M: the task was revoked before it began or while it ran, or had expired."""
    reason = "expired" if expired else "terminated" if terminated else "revoked"
    publish(changes.revoked(request.id, reason))


def task_unknown(name: str, id: str, **kwargs: Any) -> None:  # noqa: A002 - Celery's word
    """M: this worker has no task of that name."""
    publish(changes.failed(id, NotRegistered(name)))


def task_internal_error(sender: Any, task_id: str, exception: BaseException, **kwargs: Any) -> None:
    """C: Celery itself failed, for instance because the result backend is away."""
    activity = _activity(sender, task_id)
    publish(changes.failed(task_id, exception, activity.run if activity else None))


def task_postrun(sender: Any, task_id: str, state: str | None, retval: Any, **kwargs: Any) -> None:
    """C: after all else. The only word of Ignore and Reject."""
    activity = _activity(sender, task_id)
    if activity is None or activity.handed_on:
        return
    activity.finish()
    if state == State.IGNORED:
        publish(changes.finished(task_id, State.IGNORED, activity.run))
    elif state == State.REJECTED and isinstance(retval, Reject) and vars(retval)["requeue"]:
        again = changes.replaced(activity.run, name=sender.name)
        publish(replace(again, next_attempt=activity.run.attempt))
    elif state == State.REJECTED:
        publish(changes.finished(task_id, State.REJECTED, activity.run))


def worker_shutting_down(**kwargs: Any) -> None:
    """M and C: the process ends; send what the store would not take until now."""
    flush()


def _activity(task: Any, task_id: str | None = None) -> Activity | None:
    """Return the activity of the task's running request, if it is that task's."""
    activity: Activity | None = getattr(getattr(task, "request", None), "taskstatus", None)
    if activity is not None and task_id is not None and activity.run.task_id != task_id:
        return None
    return activity


def _ids(info: Mapping[str, Any]) -> dict[str, str | None]:
    return {
        "parent_id": info.get("parent_id"),
        "root_id": info.get("root_id"),
        "group_id": info.get("group"),
    }


def _wrap_update_state() -> None:
    """Hear ``Task.update_state``, for which Celery has no signal; every Task class inherits it."""
    original = celery.Task.update_state

    @wraps(original)
    def update_state(
        self: Any,
        task_id: str | None = None,
        state: str | None = None,
        meta: Any = None,
        **kwargs: Any,
    ) -> Any:
        activity = _activity(self, task_id)
        if activity is not None and state:
            _update(activity, state, meta if isinstance(meta, Mapping) else {})
        return original(self, task_id, state, meta, **kwargs)

    setattr(celery.Task, "update_state", update_state)  # noqa: B010 - mypy forbids the plain way


def _update(activity: Activity, state: str, meta: Mapping[str, Any]) -> None:
    if is_ready(state):
        # By hand, before raising Ignore: the state that the author wants to be seen.
        activity.finish()
        error = meta.get("exc_message", meta.get("error"))
        publish(changes.by_hand(activity.run, State(state), error=error))
        return
    current, total = _number(meta.get("current")), _number(meta.get("total"))
    if current is None and total is None and state != State.PROGRESS:
        activity.meter.enter(state)
        return
    message = meta.get("description", meta.get("message", ""))
    activity.meter.update(current, total, "" if message is None else message, state)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _wrap_retry() -> None:
    """Keep the reason of ``Task.retry`` until the next attempt is announced, which is inside it."""
    original = celery.Task.retry

    @wraps(original)
    def retry(
        self: Any, args: Any = None, kwargs: Any = None, exc: Any = None, *rest: Any, **options: Any
    ) -> Any:
        _retrying.reason = exc if isinstance(exc, BaseException) else sys.exc_info()[1]
        _retrying.eager = _activity(self) if self.request.is_eager else None
        try:
            return original(self, args, kwargs, exc, *rest, **options)
        finally:
            _retrying.reason = _retrying.eager = None

    setattr(celery.Task, "retry", retry)  # noqa: B010 - mypy forbids the plain way


_connected = False


def connect() -> None:
    """Listen to Celery, once per process."""
    global _connected  # noqa: PLW0603 - the signals are global, and so is having connected to them
    if _connected:
        return
    _connected = True
    for receiver in (
        before_task_publish,
        task_received,
        task_prerun,
        task_success,
        task_failure,
        task_revoked,
        task_unknown,
        task_internal_error,
        task_postrun,
    ):
        getattr(signals, receiver.__name__).connect(receiver, weak=False)
    signals.worker_process_shutdown.connect(worker_shutting_down, weak=False)
    signals.worker_shutdown.connect(worker_shutting_down, weak=False)
    _wrap_update_state()
    _wrap_retry()
