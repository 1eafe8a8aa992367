"""An attempt that Celery itself cancels, because the connection to the broker is lost."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

from celery import signals

from taskstatus import get_status
from taskstatus.testing import TaskDriver


def test_a_cancelled_attempt_is_due_again() -> None:
    """The broker will deliver the same attempt again, and the main process says so."""
    task = TaskDriver(str(uuid.uuid4()))
    task.pending()
    task.started()
    signals.task_retry.send(
        sender=None, request=SimpleNamespace(id=task.task_id, retries=0), einfo=None
    )
    status = get_status(task.task_id)
    assert status is not None
    assert (status.state, status.retries) == ("RETRY", 0)
    assert (status.error, status.error_type) == ("cancelled by Celery", "Retry")
    task.started()
    task.success("done")
    status = get_status(task.task_id)
    assert status is not None
    assert (status.state, status.result, status.error) == ("SUCCESS", "done", None)
