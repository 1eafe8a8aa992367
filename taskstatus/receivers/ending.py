"""The ends of tasks that have no result: by an exception, or because their turn never comes."""

from __future__ import annotations

import sys
from typing import Any

from celery.exceptions import Reject

from taskstatus import changes
from taskstatus.activity import Activity
from taskstatus.changes import Change
from taskstatus.errors import error_text
from taskstatus.exceptions import Cancelled
from taskstatus.publisher import publish
from taskstatus.receivers import canvas
from taskstatus.states import State

__all__ = ["as_raised", "raised", "tell_followers_of_failure", "tell_followers_of_no_success"]


def as_raised(exception: BaseException, activity: Activity | None) -> BaseException:
    """Return the exception that a body has raised, to be called while Celery handles it.

    Celery hands on only what can be pickled: a base class, perhaps, or a wrapper.
    """
    return exception if activity is None else sys.exc_info()[1] or exception


def raised(task_id: str, exception: BaseException, activity: Activity | None) -> Change:
    """Return what it means for a task that it has ended with an exception."""
    run = None
    if activity is not None:
        activity.finish()
        run = activity.run
    if isinstance(exception, Cancelled):
        return changes.revoked(task_id, error_text(exception, task_id), run)
    if isinstance(exception, Reject):
        return changes.finished(task_id, State.REJECTED, run)
    return changes.failed(task_id, exception, run)


def tell_followers_of_failure(request: Any, exception: BaseException) -> None:
    """Publish the failure of those who come after a task in its chain, as Celery stores it."""
    for member in canvas.followers(request):
        publish(raised(member.task_id, exception, None))


def tell_followers_of_no_success(request: Any, name: str, state: State) -> None:
    """Publish that those who come after a task in its chain will not run, since it has ended so."""
    for member in canvas.followers(request):
        publish(changes.revoked(member.task_id, f"{name} ended in {state}"))
