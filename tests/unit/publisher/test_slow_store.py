"""A slow store hardly slows a task, and has each change of state at once all the same."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

import pytest

from taskstatus import changes, publisher
from taskstatus.changes import Run
from taskstatus.publisher import flush, publish
from taskstatus.testing import TaskDriver
from tests.unit.publisher.stores import MoodyStore, kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskstatus.changes import Change
    from taskstatus.messages import Message

SOON = 10.0


class SlowStore(MoodyStore):
    """A store that takes its time."""

    seconds = 0.05
    stopping: frozenset[str] = frozenset()

    def record(
        self, change: Change, *, key: str = "", group: str = "", envelope: bytes = b""
    ) -> Message | None:
        """Record, slowly."""
        time.sleep(self.seconds)
        message = super().record(change, key=key, group=group, envelope=envelope)
        if message is not None:
            message.asked_to_stop = change.task_id in self.stopping
        return message


@pytest.fixture
def slow(store: MoodyStore, monkeypatch: pytest.MonkeyPatch) -> SlowStore:
    """Return a slow store that is published to."""
    slow = SlowStore()
    monkeypatch.setattr(publisher, "get_store", lambda: slow)
    monkeypatch.setattr(publisher, "SLOW_SECONDS", slow.seconds / 2)
    return slow


def test_slow_store_hardly_slows_the_task(slow: SlowStore) -> None:
    """It is told by the outbox, in order, while the task goes on."""
    run = TaskDriver().run
    publish(changes.started(run))
    began = time.monotonic()
    for number in range(20):
        publish(changes.log(run, str(number), level="info"))
    assert time.monotonic() - began < 5 * slow.seconds
    publish(changes.succeeded(run, None, max_bytes=100))
    assert flush(SOON)
    reading = slow.read(run.task_id, 0)
    assert reading is not None
    assert [message.kind for message in reading.messages] == ["status", *["log"] * 20, "status"]


class GatedStore(MoodyStore):
    """A store that is known to be slow, and takes nothing that is told later before its gate is
    open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def record(
        self, change: Change, *, key: str = "", group: str = "", envelope: bytes = b""
    ) -> Message | None:
        """Record, at once or when the gate is open."""
        if threading.current_thread().name == "taskstatus-outbox":
            assert self.gate.wait(SOON)
        return super().record(change, key=key, group=group, envelope=envelope)


@pytest.fixture
def gated(store: MoodyStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[GatedStore]:
    """Yield a gated store that is published to."""
    gated = GatedStore()
    monkeypatch.setattr(publisher, "get_store", lambda: gated)
    monkeypatch.setattr(publisher, "_slow_until", math.inf)
    yield gated
    gated.gate.set()


def tell_lines(task: TaskDriver, count: int) -> None:
    """Publish lines of the task, and wait for none of them."""
    for number in range(count):
        publish(changes.log(task.run, str(number), level="info"))


@pytest.mark.parametrize(
    "change",
    [
        changes.pending("a task", name=None, ids={}),
        changes.received("a task", name=None, ids={}),
        changes.started(Run(task_id="a task", attempt=0, number=1, fields={"started_at": '""'})),
        changes.retried_elsewhere("a task", ValueError(), attempt=1),
        changes.failed("a task", ValueError()),
    ],
    ids=lambda change: change.state,
)
def test_slow_store_has_a_change_of_state_at_once(gated: GatedStore, change: Change) -> None:
    """Whoever is killed after it, or overtaken by another process, has told it."""
    tell_lines(TaskDriver(), 3)
    publish(change)
    reading = gated.read("a task")
    assert reading is not None
    assert reading.status.state == change.state


def test_slow_store_hears_at_once_that_a_task_is_stalled(gated: GatedStore) -> None:
    """Also of one that tells its progress."""
    task = TaskDriver()
    gated.record(changes.started(task.run))
    gated.record(changes.progressed(task.run, {"current": 1}))
    publish(changes.marked(task.task_id, "PROGRESS", stalled=True))
    reading = gated.read(task.task_id)
    assert reading is not None
    assert '"stalled":true' in reading.status.json


def test_what_is_said_again_is_told_later_to_a_slow_store(gated: GatedStore) -> None:
    """A worker says it for all its tasks, from the thread that keeps its lease."""
    change = changes.received("a task", name=None, ids={})
    publish(changes.said_again(change, worker="", owner=""))
    assert gated.read("a task") is None
    gated.gate.set()
    assert flush(SOON)
    assert gated.read("a task") is not None


def test_change_of_state_waits_for_what_its_task_has_told_before(
    gated: GatedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is recorded by whoever told it, who may die after that."""
    turn = publisher._outbox.turn

    def wait(task_id: str, seconds: float) -> bool:
        gated.gate.set()
        return turn(task_id, SOON)

    monkeypatch.setattr(publisher._outbox, "turn", wait)
    task = TaskDriver()
    gated.record(changes.started(task.run))
    tell_lines(task, 5)
    publish(changes.progressed(task.run, {"current": 5}))
    publish(changes.succeeded(task.run, None, max_bytes=100))
    assert kept(gated, task) == ["STARTED", *["log"] * 5, "PROGRESS", "SUCCESS"]


def test_change_of_state_waits_no_longer_than_it_may(
    gated: GatedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After that it goes to the outbox, and overtakes nothing."""
    monkeypatch.setattr(publisher, "TURN_SECONDS", 0.01)
    task = TaskDriver()
    gated.record(changes.started(task.run))
    tell_lines(task, 2)
    publish(changes.succeeded(task.run, None, max_bytes=100))
    assert kept(gated, task) == ["STARTED"]
    gated.gate.set()
    assert flush(SOON)
    assert kept(gated, task) == ["STARTED", "log", "log", "SUCCESS"]


def test_wish_to_stop_is_told_although_the_store_is_slow(slow: SlowStore) -> None:
    """A change later than with a fast one."""
    run = TaskDriver().run
    publish(changes.started(run))
    publish(changes.progressed(run, {"current": 0}))
    slow.stopping = frozenset({run.task_id})
    assert not publish(changes.progressed(run, {"current": 1}))
    assert flush(SOON)
    assert publish(changes.progressed(run, {"current": 2}))
    publish(changes.revoked(run.task_id, "cancelled", run))
    assert flush(SOON)
    assert not publisher._asked_to_stop
