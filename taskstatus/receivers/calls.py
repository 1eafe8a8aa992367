"""Calls of Celery's own methods for which it has no signal, or a late one, or none in trouble."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import celery
from celery.backends.base import Backend
from celery.exceptions import (
    NotRegistered,
    SoftTimeLimitExceeded,
    TimeLimitExceeded,
    WorkerLostError,
)

from taskstatus import changes
from taskstatus.activity import Activity
from taskstatus.exceptions import Cancelled
from taskstatus.progress import current_activity
from taskstatus.publisher import publish
from taskstatus.receivers import ending, updates

__all__ = ["overhear"]

logger = logging.getLogger(__name__)

#: Failures of which the process that runs the body can't tell.
_BEYOND_THE_BODY = (NotRegistered, TimeLimitExceeded, WorkerLostError)


def overhear() -> None:
    """Wrap what all tasks and all result backends inherit. Once per process."""
    _wrap_update_state()
    _wrap_retry()
    _wrap_on_replace()
    _wrap_mark_as_failure()
    _wrap_mark_as_revoked()


@contextmanager
def _harmless() -> Iterator[None]:
    """Keep our own failures from the caller, and let through what is meant to interrupt it."""
    try:
        yield
    except (SoftTimeLimitExceeded, Cancelled):
        raise
    except Exception:
        # Whoever has called Celery knows nothing of us.
        logger.exception("A call could not be told")


def _wrap_update_state() -> None:
    original = celery.Task.update_state

    @wraps(original)
    def update_state(
        self: Any,
        task_id: str | None = None,
        state: str | None = None,
        meta: Any = None,
        **kwargs: Any,
    ) -> Any:
        with _harmless():
            # Helpers may call it on any task, with the id of the one that runs.
            activity = Activity.of(self.request) if task_id is None else current_activity()
            if activity is not None and state and task_id in {None, activity.run.task_id}:
                updates.update(activity, state, meta)
        return original(self, task_id, state, meta, **kwargs)

    setattr(celery.Task, "update_state", update_state)  # noqa: B010 - mypy forbids the plain way


def _wrap_retry() -> None:
    """Keep the reason until the next attempt is published, which happens inside the call."""
    original = celery.Task.retry

    @wraps(original)
    def retry(
        self: Any, args: Any = None, kwargs: Any = None, exc: Any = None, *rest: Any, **options: Any
    ) -> Any:
        activity = Activity.of(self.request)
        if activity is not None:
            activity.retry_reason = exc if isinstance(exc, BaseException) else sys.exc_info()[1]
        return original(self, args, kwargs, exc, *rest, **options)

    setattr(celery.Task, "retry", retry)  # noqa: B010 - mypy forbids the plain way


def _wrap_on_replace() -> None:
    """Tell of ``Task.replace`` before the new tasks go out: in a chain, the last one has our id."""
    original = celery.Task.on_replace

    @wraps(original)
    def on_replace(self: Any, sig: Any) -> Any:
        with _harmless():
            activity = Activity.of(self.request)
            if activity is not None:
                activity.hand_on(changes.replaced(activity.run, name=sig.task))
        return original(self, sig)

    setattr(celery.Task, "on_replace", on_replace)  # noqa: B010 - mypy forbids the plain way


def _wrap_mark_as_failure() -> None:
    """Tell of a failure that the backend won't take, since then no signal does.

    Tell as well of failures that are no running task's: those of a chord's body whose header has
    failed, and of the tasks that come after the failed one in its chain.
    """
    original = Backend.mark_as_failure

    @wraps(original)
    def mark_as_failure(
        self: Any, task_id: str, exc: Any, traceback: Any = None, request: Any = None, **kwargs: Any
    ) -> Any:
        activity = Activity.of(request)
        exception = ending.as_raised(exc, activity)
        ours = activity is not None or isinstance(exc, _BEYOND_THE_BODY)
        stored = False
        try:
            value = original(self, task_id, exc, traceback, request, **kwargs)
            stored = True
        finally:
            with _harmless():
                if request is None or (ours and not stored):
                    publish(ending.raised(task_id, exception, activity))
                ending.tell_followers_of_failure(request, exception)
        return value

    setattr(Backend, "mark_as_failure", mark_as_failure)  # noqa: B010 - mypy forbids the plain way


def _wrap_mark_as_revoked() -> None:
    """Tell of a revocation that the backend won't take, since then no signal does."""
    original = Backend.mark_as_revoked

    @wraps(original)
    def mark_as_revoked(self: Any, task_id: str, reason: str = "", **kwargs: Any) -> Any:
        try:
            return original(self, task_id, reason, **kwargs)
        except Exception:
            with _harmless():
                publish(changes.revoked(task_id, reason))
            raise

    setattr(Backend, "mark_as_revoked", mark_as_revoked)  # noqa: B010 - mypy forbids the plain way
