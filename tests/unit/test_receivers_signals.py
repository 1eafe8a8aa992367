"""Which changes a task waits for as it begins and ends."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from taskstatus.publisher import publish
from taskstatus.receivers import signals
from taskstatus.stores import get_store
from tests.project.celery import app

if TYPE_CHECKING:
    from taskstatus.changes import Change


@pytest.fixture
def waited_for(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Return which states have been published, and whether they were waited for."""
    waited_for: dict[str, bool] = {}

    def watch(change: Change, *, wait: bool = True) -> bool:
        waited_for[change.state] = wait
        return publish(change, wait=wait)

    monkeypatch.setattr(signals, "publish", watch)
    return waited_for


def run(*, is_eager: bool, raises: Exception | None = None) -> str:
    """Send the signals that Celery sends around a body; return the task's id."""
    task_id = str(uuid.uuid4())

    @app.task(name=f"tests.unit.{task_id}", shared=False)
    def task() -> None:
        """Do nothing."""

    request: dict[str, Any] = {"id": task_id, "retries": 0, "is_eager": is_eager}
    task.push_request(**request)
    try:
        signals.task_prerun(task_id=task_id, task=task)
        if raises is None:
            signals.task_success(sender=task, result=None)
        else:
            signals.task_failure(sender=task, task_id=task_id, exception=raises)
    finally:
        task.pop_request()
        del app.tasks[task.name]
    return task_id


def test_a_task_in_a_worker_waits_neither_as_it_begins_nor_as_it_succeeds(
    waited_for: dict[str, bool],
) -> None:
    """Nobody else can say anything else of it meanwhile."""
    run(is_eager=False)
    assert waited_for == {"STARTED": False, "SUCCESS": False}


def test_a_failure_is_waited_for(waited_for: dict[str, bool]) -> None:
    """Its process may be about to end, or its main process about to say more."""
    run(is_eager=False, raises=ValueError("no"))
    assert waited_for == {"STARTED": False, "FAILURE": True}


def test_an_eager_task_waits_for_all_that_it_tells(waited_for: dict[str, bool]) -> None:
    """Whoever has called it looks at its status as soon as it returns."""
    task_id = run(is_eager=True)
    assert waited_for == {"STARTED": True, "SUCCESS": True}
    reading = get_store().read(task_id)
    assert reading is not None
    assert reading.status.state == "SUCCESS"
