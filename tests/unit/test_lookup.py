"""Where a status is looked for: in the store, then in Celery's result backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import current_app

import taskstatus
from taskstatus import aget_status, get_status, lookup, status
from taskstatus.exceptions import StoreUnavailable
from taskstatus.stores import get_store
from taskstatus.testing import TaskDriver

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


async def test_unknown_task_has_no_status() -> None:
    """None, not an exception: to ask is not a mistake."""
    assert get_status("never heard of") is None
    assert await aget_status("never heard of") is None


async def test_status_of_a_task_that_only_the_result_backend_knows() -> None:
    """It is restored from there, and is in the store from then on."""
    for ask in (get_status, None):
        task = TaskDriver()
        current_app.backend.store_result(task.task_id, 7, "SUCCESS")
        found = ask(task.task_id) if ask else await aget_status(task.task_id)
        assert found is not None
        assert (found.state, found.result) == ("SUCCESS", 7)
        assert get_store().read(task.task_id) is not None


async def test_store_that_is_away_is_told(settings: Settings) -> None:
    """An answer that may be wrong is none."""
    settings.TASKSTATUS_STORE_URL = "redis://127.0.0.1:1"
    with pytest.raises(StoreUnavailable):
        get_status("any")
    with pytest.raises(StoreUnavailable):
        await aget_status("any")


def test_names_are_where_the_protocol_says() -> None:
    """``from taskstatus import get_status, aget_status, TaskStatus``."""
    assert taskstatus.get_status is lookup.get_status
    assert taskstatus.aget_status is lookup.aget_status
    assert taskstatus.TaskStatus is status.TaskStatus
