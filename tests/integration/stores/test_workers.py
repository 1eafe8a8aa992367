"""What passes between workers and servers by way of the store: leases, stalls, wishes to stop."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING

import pytest

from taskstatus.stores import MissingRecord
from tests.integration.stores.steps import (
    Speaker,
    failed,
    marked,
    pending,
    play,
    received,
    succeeded_elsewhere,
)

if TYPE_CHECKING:
    from taskstatus.stores import Store

UNIT = 0.05

first = Speaker(number=10, worker="one@host:1")
second = Speaker(number=20, worker="two@host:2")


@pytest.fixture
def worker() -> str:
    """Return the name of a lease that nobody has held yet."""
    return f"worker@{uuid.uuid4()}"


async def test_lease_is_held_until_its_time_is_over(store: Store, worker: str) -> None:
    """A worker that shows no sign of life loses its lease by itself."""
    assert await store.aleases([worker]) == set()
    await asyncio.to_thread(store.beat, worker, 4 * UNIT)
    assert await store.aleases([worker, "nobody"]) == {worker}
    await asyncio.sleep(6 * UNIT)
    assert await store.aleases([worker]) == set()


async def test_lease_is_held_as_long_as_it_is_refreshed(store: Store, worker: str) -> None:
    """Each beat counts from its own moment."""
    for _ in range(4):
        store.beat(worker, 6 * UNIT)
        await asyncio.sleep(2 * UNIT)
        assert await store.aleases([worker]) == {worker}


async def test_lease_can_be_given_up(store: Store, worker: str) -> None:
    """A worker that ends in good order holds no lease afterwards."""
    store.beat(worker, 60)
    store.beat(worker, 0)
    assert await store.aleases([worker]) == set()
    assert await store.aleases([]) == set()


async def test_pulse_names_the_worker_that_runs_the_task(store: Store, task_id: str) -> None:
    """From STARTED on the lease of the worker is known, and a new run changes it."""
    play(store, task_id, pending(), received())
    assert (await store.apulses([task_id]))[0].worker == ""
    play(store, task_id, first.started(), first.logged())
    assert (await store.apulses([task_id]))[0].worker == "one@host:1"
    play(store, task_id, second.started())
    assert (await store.apulses([task_id]))[0].worker == "two@host:2"


async def test_mark_changes_the_flag_and_nothing_else(store: Store, task_id: str) -> None:
    """A stalled task has the state, progress and time of its last word, in a new message."""
    before, after = play(store, task_id, first.progressed(3), marked("PROGRESS"))
    assert before is not None
    assert after is not None
    assert after.version > before.version
    was, is_now = json.loads(before.json), json.loads(after.json)
    changed = {key for key in was if was[key] != is_now[key]}
    assert changed == {"version", "cursor", "stalled"}
    assert (after.kind, after.state) == ("status", "PROGRESS")
    (pulse,) = await store.apulses([task_id])
    assert (pulse.stalled, pulse.running) == (True, True)


async def test_new_run_is_not_stalled(store: Store, task_id: str) -> None:
    """STARTED, and the end, take the mark away."""
    play(store, task_id, first.started(), marked("STARTED"), second.started())
    assert not (await store.apulses([task_id]))[0].stalled
    (_, last) = play(store, task_id, marked("STARTED"), failed())
    assert last is not None
    assert '"stalled":false' in last.json


def test_mark_is_kept_in_the_log(store: Store, task_id: str) -> None:
    """A reader who comes back hears that the task had stalled."""
    (started,) = play(store, task_id, first.started())
    assert started is not None
    play(store, task_id, marked("STARTED"), marked("STARTED", stalled=False))
    reading = store.read(task_id, started.version)
    assert reading is not None
    flags = [json.loads(message.json)["stalled"] for message in reading.messages]
    assert flags == [True, False]
    assert [message.kind for message in reading.messages] == ["status", "status"]


def test_mark_of_an_unknown_task_is_refused(store: Store, task_id: str) -> None:
    """A record never begins with a mark."""
    with pytest.raises(MissingRecord):
        store.record(marked("STARTED")(task_id))
    assert store.read(task_id) is None


def test_wish_to_stop_is_told_with_the_next_change(store: Store, task_id: str) -> None:
    """Whatever the task says next, it hears that it should stop, again and again."""
    (before,) = play(store, task_id, first.started())
    assert before is not None
    assert not before.asked_to_stop
    assert store.ask_to_stop(task_id) == "asked"
    assert store.ask_to_stop(task_id) == "asked"
    for message in play(store, task_id, first.progressed(), first.logged(), first.custom()):
        assert message is not None
        assert message.asked_to_stop


def test_wish_to_stop_needs_a_task_that_goes_on(store: Store, task_id: str) -> None:
    """An unknown or finished task can't be asked."""
    assert store.ask_to_stop(task_id) == "unknown"
    assert store.read(task_id) is None
    play(store, task_id, first.started(), succeeded_elsewhere())
    assert store.ask_to_stop(task_id) == "finished"


def test_wish_to_stop_outlives_a_retry(store: Store, task_id: str) -> None:
    """The next attempt of a task that should stop hears so at its start."""
    play(store, task_id, pending())
    assert store.ask_to_stop(task_id) == "asked"
    again = Speaker(number=30, attempt=1)
    for message in play(store, task_id, first.started(), first.retried(), again.started()):
        assert message is not None
        assert message.asked_to_stop


def test_wish_to_stop_ends_with_the_task(store: Store, task_id: str) -> None:
    """A task that is run again after it was stopped may run."""
    play(store, task_id, first.started())
    store.ask_to_stop(task_id)
    play(store, task_id, first.failed())
    for message in play(store, task_id, second.started(), second.progressed()):
        assert message is not None
        assert not message.asked_to_stop
