"""Calls that tasks make of Celery's own methods, for which it has no signal, or a late one."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import celery
from celery.exceptions import SoftTimeLimitExceeded

from taskstatus import changes, updates
from taskstatus.activity import Activity
from taskstatus.exceptions import Cancelled
from taskstatus.progress import current_activity

__all__ = ["overhear"]

logger = logging.getLogger(__name__)


def overhear() -> None:
    """Wrap the methods of ``celery.Task``, which all tasks inherit. Once per process."""
    _wrap_update_state()
    _wrap_retry()
    _wrap_on_replace()


@contextmanager
def _harmless(task: Any) -> Iterator[None]:
    """Keep our own failures from a task, and let through what is meant to interrupt it."""
    try:
        yield
    except (SoftTimeLimitExceeded, Cancelled):
        raise
    except Exception:
        # The task has called Celery, and knows nothing of us.
        logger.exception("What task %s says of itself could not be told", task.name)


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
        with _harmless(self):
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
        with _harmless(self):
            activity = Activity.of(self.request)
            if activity is not None:
                activity.hand_on(changes.replaced(activity.run, name=sig.task))
        return original(self, sig)

    setattr(celery.Task, "on_replace", on_replace)  # noqa: B010 - mypy forbids the plain way
