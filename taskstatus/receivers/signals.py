"""Celery's signals → changes. What each outcome looks like is told by the tests, one by one.

P is the process that publishes a task, M a worker's main process, C the pool's child that runs the
body (the same process in other pools). States are never derived from ``task_postrun``, except those
that no other signal tells.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from celery import signals
from celery.exceptions import NotRegistered, Reject, Retry

from taskstatus import changes, lease, owner
from taskstatus.activity import Activity
from taskstatus.changes import Change, Run
from taskstatus.conf import settings
from taskstatus.messages import encode, timestamp
from taskstatus.progress import current_activity
from taskstatus.publisher import flush, publish
from taskstatus.receivers import calls, ending, introduction, updates
from taskstatus.receivers.interruption import after_the_body, while_the_body_runs
from taskstatus.states import State

__all__ = ["connect"]


@while_the_body_runs
def before_task_publish(
    sender: str, headers: MutableMapping[str, Any], body: Any = None, **kwargs: Any
) -> None:
    """P, and C for retries and replacements: the task is about to go to the broker."""
    # Message protocol 1 keeps all of this in the body.
    info = headers if "id" in headers else body
    activity = current_activity()
    if activity is None or activity.run.task_id != info["id"]:
        introduction.enqueue(info, body, name=sender)
    elif info.get("retries", 0) > activity.run.attempt:
        when: Any = info.get("eta") or 0
        reason = activity.retry_reason or Retry(when=when)
        activity.hand_on(changes.retried(activity.run, reason))
    else:
        activity.hand_on(changes.replaced(activity.run, name=sender))


def task_received(request: Any, **kwargs: Any) -> None:
    """M: a worker has the task."""
    # A later attempt is announced by RETRY, which says more.
    if not request.request_dict.get("retries"):
        publish(_received(request))


@while_the_body_runs
def task_prerun(task_id: str, task: Any, **kwargs: Any) -> None:
    """C: the body is about to run."""
    request = task.request
    at = changes.now()
    ids = introduction.ids(task_id, vars(request))
    fields = {key: encode(value) for key, value in ids.items()}
    fields |= {"name": encode(task.name), "retries": str(request.retries), "started_at": at}
    run = Run(
        task_id=task_id,
        attempt=request.retries,
        number=time.time_ns() // 1_000,
        fields=fields,
        worker="" if request.is_eager else lease.current(),
        owner=getattr(request, introduction.OWNER, ""),
    )
    activity = Activity(run)
    activity.attach(request)
    change = run.base
    if request.is_eager and not request.retries:
        # Nobody has published it: it is enqueued, by whoever calls it, as it starts.
        change = replace(change, fields={**change.fields, "created_at": at}, owner=owner.current())
    activity.meter.asked_to_stop = publish(change, wait=request.is_eager)


@after_the_body
def task_success(sender: Any, result: Any, **kwargs: Any) -> None:
    """C: the body has returned, and its result is stored."""
    activity = Activity.of(sender.request)
    if activity is not None:
        activity.finish()
        change = changes.succeeded(activity.run, result, max_bytes=settings.MAX_RESULT_BYTES)
        publish(change, wait=sender.request.is_eager)


@after_the_body
def task_failure(sender: Any, task_id: str, exception: BaseException, **kwargs: Any) -> None:
    """C: the body has raised. M: the child is gone, was past its hard time limit, or rejected."""
    activity = _activity(sender, task_id)
    publish(ending.raised(task_id, ending.as_raised(exception, activity), activity))


@after_the_body
def task_retry(request: Any, reason: Retry | None = None, **kwargs: Any) -> None:
    """C: the attempt has ended. M: Celery itself asks for another one.

    By now the next attempt of a task that asked for it is long published, and was told then; not
    so of an eager task.
    """
    activity = Activity.of(request)
    if activity is not None:
        cause = activity.retry_reason or reason
        activity.hand_on(changes.retried(activity.run, cause))
    elif reason is not None:
        # The child was lost (``retry_on_worker_lost``).
        attempt = request.retries + 1
        publish(changes.retried_elsewhere(request.id, reason.exc or reason, attempt=attempt))
    else:
        # The connection to the broker was, and will deliver the same attempt again.
        publish(changes.interrupted(request.id, Retry(message="cancelled by Celery")))


def task_revoked(sender: Any, request: Any, terminated: bool, expired: bool, **kwargs: Any) -> None:
    """M: the task was revoked before it began or while it ran, or had expired."""
    reason = "expired" if expired else "terminated" if terminated else "revoked"
    change = changes.revoked(request.id, reason)
    publish(introduction.introduced(change, sender.name, vars(request)))
    ending.tell_followers_of_no_success(request, sender.name, State.REVOKED)


def task_unknown(name: str, id: str, message: Any, **kwargs: Any) -> None:  # noqa: A002 - Celery's word
    """M: this worker has no task of that name."""
    exception = NotRegistered(name)
    change = changes.failed(id, exception)
    # As a KeyError, its str() is no more than the name.
    change = replace(change, fields={**change.fields, "error": encode(repr(exception))})
    publish(introduction.introduced(change, name, message.headers or {}))


def task_rejected(message: Any, exc: BaseException | None, **kwargs: Any) -> None:
    """M: the message is malformed; what can be known of it will never run."""
    headers = message.headers or {}
    if "id" in headers and exc is not None:
        change = changes.failed(headers["id"], exc)
        publish(introduction.introduced(change, headers.get("task"), headers))


@after_the_body
def task_internal_error(sender: Any, task_id: str, exception: BaseException, **kwargs: Any) -> None:
    """C: Celery itself failed, for instance because the result backend is away."""
    last = Activity.last_here()
    activity = last if last is not None and last.run.task_id == task_id else None
    publish(ending.raised(task_id, exception, activity))


@after_the_body
def task_postrun(sender: Any, task_id: str, state: str | None, retval: Any, **kwargs: Any) -> None:
    """C: after all else. The only word of Ignore and Reject."""
    activity = _activity(sender, task_id)
    if activity is None:
        return
    activity.end()
    if state == State.REJECTED and activity.handed_on:
        # The broker would not take the next attempt.
        publish(changes.finished(task_id, State.REJECTED))
    elif state == State.REJECTED and _goes_back(retval, sender):
        publish(changes.requeued(activity.run))
    elif state == State.REJECTED:
        publish(changes.finished(task_id, State.REJECTED, activity.run))
        ending.tell_followers_of_no_success(sender.request, sender.name, State.REJECTED)
    elif state == State.IGNORED and not activity.handed_on:
        by_hand = updates.ended_by_hand(activity)
        publish(by_hand or changes.finished(task_id, State.IGNORED, activity.run))
        ending.tell_followers_of_no_success(sender.request, sender.name, State.IGNORED)


def worker_init(sender: Any, **kwargs: Any) -> None:
    """M: before the children are made, so that they know under which lease they run."""
    lease.hold(sender.hostname)


def worker_ready(**kwargs: Any) -> None:
    """M: show that this worker lives, and what it has, from now on."""
    lease.start(_say_again)


def _say_again() -> None:
    """Tell of the tasks that this worker has, in case that the store has lost them.

    A task that is silent for long would be unknown as long, to all who come meanwhile.
    """
    # Only a worker has this module loaded, and any other process is better off without it.
    from celery.worker import state as worker

    try:
        reserved, active = list(worker.reserved_requests), set(worker.active_requests)
    except RuntimeError:
        return  # the main loop has taken or finished a task at this very moment
    for request in reserved:
        info = request.request_dict
        change = _received(request)
        if request in active and request.time_start:
            at = encode(timestamp(datetime.fromtimestamp(request.time_start, UTC)))
            fields = {**change.fields, "started_at": at}
            change = replace(change, state=State.STARTED, fields=fields)
        change = replace(change, attempt=info.get("retries") or 0)
        owner = info.get(introduction.OWNER, "")
        publish(changes.said_again(change, worker=lease.current(), owner=owner))


def worker_process_shutdown(**kwargs: Any) -> None:
    """C: the process ends; send what the store would not take until now."""
    flush()


def worker_shutdown(**kwargs: Any) -> None:
    """M: the worker has ended in good order."""
    lease.stop()
    flush()


def _received(request: Any) -> Change:
    ids = introduction.ids(request.id, request.request_dict)
    return changes.received(request.id, name=request.name, ids=ids)


def _activity(task: Any, task_id: str) -> Activity | None:
    """Return the activity of the task's running request, if that is the one with this id."""
    activity = Activity.of(task.request)
    return activity if activity is not None and activity.run.task_id == task_id else None


def _goes_back(retval: Any, task: Any) -> bool:
    """Return whether a rejected message goes back to its queue; not if it is acknowledged."""
    requeue = isinstance(retval, Reject) and getattr(retval, "requeue", False)
    return bool(requeue and task.acks_late and not task.request.is_eager)


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
        task_retry,
        task_revoked,
        task_unknown,
        task_rejected,
        task_internal_error,
        task_postrun,
        worker_init,
        worker_ready,
        worker_process_shutdown,
        worker_shutdown,
    ):
        getattr(signals, receiver.__name__).connect(receiver, weak=False)
    calls.overhear()
