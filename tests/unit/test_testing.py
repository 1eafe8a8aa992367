"""What other projects' tests use."""

from __future__ import annotations

import pytest

from taskstatus import get_status
from taskstatus.exceptions import UnknownTask
from taskstatus.stores import get_store
from taskstatus.stores.memory import MemoryStore
from taskstatus.testing import TaskDriver, ahistory, assert_history, history, memory_store


@pytest.fixture
def task() -> TaskDriver:
    """Return a task that has been through something."""
    task = TaskDriver()
    task.pending()
    task.started()
    task.progress(1, 2)
    task.log("half")
    task.progress(2, 2)
    task.success(7)
    return task


def test_a_memory_store_is_empty_and_forgotten() -> None:
    """Whatever a test before has told, and whatever it tells, is no other test's affair."""
    task = TaskDriver()
    task.pending()
    outside = get_store()
    with memory_store() as store:
        assert isinstance(store, MemoryStore)
        assert store is get_store()
        assert store is not outside
        assert get_status(task.task_id) is None
        task.started()
    status = get_status(task.task_id)
    assert status is not None
    assert status.state == "PENDING"


@memory_store()
def test_a_memory_store_is_a_decorator() -> None:
    """A new one for each call."""
    TaskDriver("always the same").pending()
    assert history("always the same").states == ["PENDING"]


def test_a_history_has_states_lines_and_the_last_status(task: TaskDriver) -> None:
    """Each state once, in order."""
    told = history(task.task_id)
    assert told.states == ["PENDING", "STARTED", "PROGRESS", "SUCCESS"]
    assert told.lines == ["half"]
    assert told.last == get_status(task.task_id)


async def test_a_history_can_be_awaited(task: TaskDriver) -> None:
    """It is the same one as without awaiting."""
    assert await ahistory(task.task_id) == history(task.task_id)


async def test_an_unknown_task_has_no_history() -> None:
    """Which is not the same as an empty one."""
    with pytest.raises(UnknownTask):
        history("never heard of")
    with pytest.raises(UnknownTask):
        await ahistory("never heard of")


def test_an_assertion_returns_the_status(task: TaskDriver) -> None:
    """To look at the rest of it."""
    states = ["PENDING", "STARTED", "PROGRESS", "SUCCESS"]
    assert assert_history(task.task_id, states=states, lines=["half"]).result == 7
    assert assert_history(task.task_id).ready


def test_an_assertion_that_fails_says_both(task: TaskDriver) -> None:
    """What was told, and what was wanted."""
    with pytest.raises(AssertionError, match=r"through \['PENDING', .*, not \['SUCCESS'\]"):
        assert_history(task.task_id, states=["SUCCESS"])
    with pytest.raises(AssertionError, match=r"wrote \['half'\], not \[\]"):
        assert_history(task.task_id, lines=[])
