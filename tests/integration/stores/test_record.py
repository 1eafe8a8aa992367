"""What recording a change gives, and what is read back."""

from __future__ import annotations

import json
import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from taskstatus import changes
from taskstatus.changes import Change
from taskstatus.states import State
from taskstatus.stores import MissingRecord
from tests.integration.stores.steps import Speaker, forget, owned, pending, play, received, revoked

if TYPE_CHECKING:
    from taskstatus.messages import Message
    from taskstatus.stores import Store

first = Speaker(number=10)

ODD_IDS = [
    "ünïcödé-✓-任务",
    "with spaces, {braces} and %2F/slashes/../",
    'quotes " and \\ backslashes',
    "x" * 255,
    "🚀" * 255,
]


def versions(messages: list[Message | None]) -> list[int]:
    """Return the versions of messages none of which came too late."""
    return [message.version for message in messages if message is not None]


def test_versions_strictly_increase(store: Store, task_id: str) -> None:
    """Each message has a higher version than the one before it, and names that one."""
    steps = [pending(), first.started(), *[first.progressed(n) for n in range(50)]]
    messages = [message for message in play(store, task_id, *steps) if message]
    assert len(messages) == len(steps)
    assert messages[0].prev == 0
    for before, after in pairwise(messages):
        assert after.version > before.version
        assert after.prev == before.version


def test_versions_of_two_publishers_strictly_increase(store: Store, task_id: str) -> None:
    """Threads that write at once get versions of their own, and the log is in their order."""
    play(store, task_id, first.started())
    barrier = threading.Barrier(3)
    given: list[list[int]] = []

    def publish(name: str) -> None:
        barrier.wait()
        lines = [first.logged(f"{name} {n}") for n in range(50)]
        given.append(versions(play(store, task_id, *lines)))

    threads = [threading.Thread(target=publish, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for own in given:
        assert own == sorted(own)
    everything = sorted(version for own in given for version in own)
    assert len(set(everything)) == 150
    reading = store.read(task_id, everything[0] - 1)
    assert reading is not None
    assert [message.version for message in reading.messages] == everything


def test_versions_go_on_after_the_record_is_lost(store: Store, task_id: str) -> None:
    """A task that the store has forgotten begins again above every version it ever had."""
    before = versions(play(store, task_id, first.started(), *[first.logged()] * 5))
    forget(store, task_id)
    assert store.read(task_id) is None
    again = versions(play(store, task_id, first.progressed(), first.succeeded()))
    assert min(again) > max(before)


def test_unknown_task_is_none(store: Store, task_id: str) -> None:
    """What was never recorded is not known, with or without a cursor."""
    assert store.read(task_id) is None
    assert store.read(task_id, 5) is None


async def test_both_ways_of_reading_are_one(store: Store, task_id: str) -> None:
    """The event loop reads what everybody else reads."""
    play(store, task_id, pending(), first.started(), first.logged())
    assert await store.aread("never") is None
    reading = await store.aread(task_id, 0)
    same = store.read(task_id, 0)
    assert reading is not None
    assert same is not None
    assert reading.status.json == same.status.json
    assert [m.json for m in reading.messages] == [m.json for m in same.messages]
    assert (reading.version, reading.floor) == (same.version, same.floor)


async def test_pulses_of_many_tasks_come_at_once(store: Store, task_id: str) -> None:
    """The pulse of each is told in the order asked for, version 0 for an unknown one."""
    (known,) = versions(play(store, task_id, pending()))
    _, newest = versions(play(store, f"{task_id}-2", first.started(), first.logged()))
    ids = ["never", f"{task_id}-2", task_id]
    pulses = await store.apulses(ids)
    assert [(pulse.task_id, pulse.version) for pulse in pulses] == list(
        zip(ids, [0, newest, known], strict=True)
    )
    assert [pulse.state for pulse in pulses] == ["", "STARTED", "PENDING"]
    assert [pulse.running for pulse in pulses] == [False, True, False]
    assert await store.apulses([]) == []


async def test_versions_of_many_tasks_come_at_once(store: Store, task_id: str) -> None:
    """The newest of any type, in the order asked for, 0 for a task that is unknown."""
    (known,) = versions(play(store, task_id, pending()))
    _, newest = versions(play(store, f"{task_id}-2", first.started(), first.logged()))
    ids = ["never", f"{task_id}-2", task_id]
    assert await store.aversions(ids) == [0, newest, known]
    assert await store.aversions(ids * 400) == [0, newest, known] * 400
    assert await store.aversions([]) == []


def test_change_of_an_unknown_task_asks_for_its_base(store: Store, task_id: str) -> None:
    """A run's change without a record is refused with MissingRecord; its base is taken."""
    change = first.progressed(3)(task_id)
    with pytest.raises(MissingRecord):
        store.record(change)
    assert store.read(task_id) is None
    assert change.base is not None
    store.record(change.base)
    message = store.record(change)
    assert message is not None
    assert '"name":"tests.count"' in message.json
    assert '"started_at":"2026-01-01T00:00:00.000010Z"' in message.json


def test_log_line_without_record_or_base_is_refused(store: Store, task_id: str) -> None:
    """A record never begins with a log line."""
    with pytest.raises(MissingRecord):
        store.record(Change(task_id=task_id, kind="log", body='"level":"info"}'))
    assert store.read(task_id) is None


def test_fields_stay_until_a_change_names_them(store: Store, task_id: str) -> None:
    """A change says only what is new; the rest of the status stays."""
    steps = [pending(), received(), first.started(), first.progressed(7), first.succeeded([1])]
    status = json.loads(play(store, task_id, *steps)[-1].json)  # type: ignore[union-attr]
    assert status["created_at"] is not None
    assert status["started_at"] == "2026-01-01T00:00:00.000010Z"
    assert status["root_id"] == "root"
    assert status["progress"] == {"current": 7}
    assert status["result"] == [1]
    assert status["ready"] is True
    assert status["cursor"] == str(status["version"])


def test_owner_stays_through_changes(store: Store, task_id: str) -> None:
    """Who enqueued the task owns it to the end; later changes name nobody."""
    play(store, task_id, owned("42"), received(), first.started(), first.logged(), revoked())
    reading = store.read(task_id)
    assert reading is not None
    assert reading.owner == "42"


def test_task_without_owner_has_none(store: Store, task_id: str) -> None:
    """Nobody owns a task that was enqueued outside of a request."""
    play(store, task_id, pending())
    reading = store.read(task_id)
    assert reading is not None
    assert reading.owner == ""


def test_owner_never_goes_over_the_wire(store: Store, task_id: str) -> None:
    """The owner is kept beside the message, not in it."""
    (message,) = play(store, task_id, owned("user-4711"))
    assert message is not None
    assert "4711" not in message.json


@pytest.mark.parametrize("odd", ODD_IDS, ids=["unicode", "path", "quotes", "long", "long-astral"])
def test_any_task_id_is_kept_apart(store: Store, task_id: str, odd: str) -> None:
    """An id that is odd in any way has a record of its own, and comes back as it was."""
    odd = odd[: 255 - len(task_id)] + task_id
    play(store, odd, pending(), first.started(), first.logged("✓"))
    reading = store.read(odd, 0)
    assert reading is not None
    assert json.loads(reading.status.json)["task_id"] == odd
    assert json.loads(reading.messages[-1].json)["task_id"] == odd
    assert store.read(odd[:-1]) is None


@pytest.mark.parametrize("size", [65_536, 1_000_000])
def test_large_result_comes_back_whole(store: Store, task_id: str, size: int) -> None:
    """What is within the limit is kept to the last character."""
    result = "é" * (size // 2 - 2)
    (_, message) = play(store, task_id, first.started(), first.succeeded(result, max_bytes=size))
    reading = store.read(task_id, 0)
    assert reading is not None
    assert message is not None
    assert reading.status.json == message.json
    assert json.loads(reading.status.json)["result"] == result


def test_result_over_the_limit_says_so(store: Store, task_id: str) -> None:
    """A result that is too large is null, and a run after it begins without that mark."""
    run = first.run(task_id)
    store.record(changes.started(run))
    message = store.record(changes.succeeded(run, "é" * 10, max_bytes=21))
    assert message is not None
    assert '"result":null,"result_omitted":"too-large"' in message.json


def test_retry_shows_the_next_attempt(store: Store, task_id: str) -> None:
    """RETRY counts the attempt that is due, and says why."""
    message = play(store, task_id, first.started(), first.retried())[-1]
    assert message is not None
    assert message.state == State.RETRY
    status = json.loads(message.json)
    assert (status["retries"], status["error"], status["ready"]) == (1, "attempt 0", False)
