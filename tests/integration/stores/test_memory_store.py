"""What only the store in memory does: its own clock, and forgetting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskstatus.stores import memory
from taskstatus.stores.base import UNFINISHED_SECONDS
from taskstatus.stores.memory import MemoryStore
from tests.integration.stores.steps import Speaker, pending, play

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

first = Speaker(number=10)


class StoppedClock:
    """Both clocks of the ``time`` module, which move only when they are told to."""

    def __init__(self) -> None:
        self.seconds = 1_000_000

    def time_ns(self) -> int:
        """Return the time of day."""
        return self.seconds * 1_000_000_000

    def monotonic(self) -> float:
        """Return the time since some moment."""
        return float(self.seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    """Return the clock that the store goes by."""
    clock = StoppedClock()
    monkeypatch.setattr(memory, "time", clock)
    return clock


@pytest.fixture
def store(clock: StoppedClock) -> MemoryStore:
    """Return an empty store with that clock."""
    return MemoryStore()


def test_versions_go_on_when_the_clock_stands_still(store: MemoryStore, task_id: str) -> None:
    """Within one microsecond versions count by one."""
    messages = play(store, task_id, pending(), first.started(), first.logged())
    versions = [message.version for message in messages if message]
    assert versions == [versions[0], versions[0] + 1, versions[0] + 2]


def test_versions_go_on_when_the_clock_goes_back(
    store: MemoryStore, clock: StoppedClock, task_id: str
) -> None:
    """A clock that is set back makes no version smaller."""
    (before,) = play(store, task_id, pending())
    clock.seconds -= 3_600
    (after,) = play(store, task_id, first.started())
    assert before is not None
    assert after is not None
    assert after.version == before.version + 1


@pytest.mark.parametrize("finished", [True, False])
async def test_task_is_forgotten_when_its_time_is_over(
    store: MemoryStore,
    clock: StoppedClock,
    task_id: str,
    settings: Settings,
    *,
    finished: bool,
) -> None:
    """A finished task goes after the retention time, another one after a week."""
    settings.TASKSTATUS_RETENTION_SECONDS = 100
    play(store, task_id, first.started(), first.succeeded() if finished else first.logged())
    clock.seconds += 100 if finished else UNFINISHED_SECONDS
    assert store.read(task_id) is not None
    clock.seconds += 1
    assert store.read(task_id) is None
    assert [pulse.version for pulse in await store.apulses([task_id])] == [0]


def test_id_of_a_forgotten_task_can_be_used_again(
    store: MemoryStore, clock: StoppedClock, task_id: str, settings: Settings
) -> None:
    """What has expired no longer decides what comes in time, swept up or not."""
    settings.TASKSTATUS_RETENTION_SECONDS = 1
    play(store, task_id, first.started(), first.succeeded())
    clock.seconds += 2
    (message,) = play(store, task_id, pending())
    assert message is not None
    assert message.prev == 0


def test_forgotten_tasks_take_no_room(
    store: MemoryStore, clock: StoppedClock, task_id: str, settings: Settings
) -> None:
    """Old records are swept up now and then, while others are written."""
    settings.TASKSTATUS_RETENTION_SECONDS = 1
    play(store, task_id, first.started(), first.succeeded())
    clock.seconds += memory.SWEEP_SECONDS + 1
    play(store, f"{task_id}-other", pending())
    assert list(store._records) == [f"{task_id}-other"]


def test_clear_forgets_every_task(store: MemoryStore, task_id: str) -> None:
    """Tests can begin with an empty store."""
    play(store, task_id, pending())
    store.clear()
    assert store.read(task_id) is None


def test_store_in_this_process_always_answers(store: MemoryStore) -> None:
    """A health check finds it well."""
    store.ping()
