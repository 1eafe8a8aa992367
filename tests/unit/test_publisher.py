"""Publishing never raises, never waits for long, and loses nothing while the store is away."""

from __future__ import annotations

import math
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from taskstatus import changes, groups, outbox, publisher
from taskstatus.changes import Run
from taskstatus.exceptions import StoreUnavailable
from taskstatus.outbox import Outbox
from taskstatus.publisher import flush, publish
from taskstatus.stores import get_store
from taskstatus.stores.memory import MemoryStore
from taskstatus.testing import TaskDriver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskstatus.changes import Change
    from taskstatus.messages import Message

SOON = 10.0


class MoodyStore(MemoryStore):
    """A store that raises what it is told to."""

    raises: BaseException | None = None
    tried = 0

    def record(
        self, change: Change, *, key: str = "", group: str = "", envelope: bytes = b""
    ) -> Message | None:
        """Record, or raise."""
        self.tried += 1
        if self.raises is not None:
            raise self.raises
        return super().record(change, key=key, group=group, envelope=envelope)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[MoodyStore]:
    """Yield the store that is published to."""
    store = MoodyStore()
    monkeypatch.setattr(outbox, "RETRY_SECONDS", 0.005)
    monkeypatch.setattr(publisher, "get_store", lambda: store)
    monkeypatch.setattr(publisher, "_outbox", Outbox(publisher._send_later))
    monkeypatch.setattr(publisher, "_slow_until", 0.0)
    monkeypatch.setattr(publisher, "_was_slow", False)
    monkeypatch.setattr(publisher, "_asked_to_stop", set())
    yield store
    store.raises = None
    assert flush(SOON)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Message]]:
    """Return what the groups are told."""
    sent: list[tuple[str, Message]] = []
    monkeypatch.setattr(groups, "send", lambda task_id, message: sent.append((task_id, message)))
    return sent


def kept(store: MemoryStore, task: TaskDriver) -> list[str]:
    """Return the states and lines that the store has."""
    reading = store.read(task.task_id, 0)
    assert reading is not None
    return [message.state or message.kind for message in reading.messages]


def test_change_is_recorded_and_told(store: MoodyStore, sent: list[tuple[str, Message]]) -> None:
    """The group hears of each change that counts, except of the one that makes a task known."""
    task = TaskDriver()
    task.pending()
    assert sent == []
    task.started()
    task.received()
    assert [(task_id, message.state) for task_id, message in sent] == [(task.task_id, "STARTED")]
    assert kept(store, task) == ["PENDING", "STARTED"]


def test_lost_record_begins_again(store: MoodyStore) -> None:
    """A run goes on where the store has forgotten it, with all that it knows of itself."""
    task = TaskDriver()
    task.pending()
    task.started()
    store.clear()
    task.progress(1)
    task.log("still here")
    assert kept(store, task) == ["STARTED", "PROGRESS", "log"]
    reading = store.read(task.task_id)
    assert reading is not None
    assert f'"name":"{task.name}"' in reading.status.json


def test_store_that_is_away_is_tried_once(store: MoodyStore) -> None:
    """After that everything goes to the outbox, at full speed, and arrives in order."""
    task = TaskDriver()
    task.pending()
    store.raises = StoreUnavailable()
    began = time.monotonic()
    task.started()
    for number in range(500):
        task.log(str(number))
    task.success()
    assert time.monotonic() - began < 2
    assert kept(store, task) == ["PENDING"]
    store.raises = None
    assert flush(SOON)
    assert kept(store, task) == ["PENDING", "STARTED", *["log"] * 500, "SUCCESS"]


def test_change_after_an_outage_overtakes_none(store: MoodyStore) -> None:
    """As long as anything waits, what comes waits behind it."""
    task = TaskDriver()
    task.started()
    store.raises = StoreUnavailable()
    task.log("one")
    store.raises = None
    for number in range(100):
        task.log(str(number))
    assert flush(SOON)
    reading = store.read(task.task_id, 0)
    assert reading is not None
    assert '"message":"one"' in reading.messages[1].json
    assert '"message":"99"' in reading.messages[-1].json
    task.success()
    assert kept(store, task)[-1] == "SUCCESS"


def test_store_that_is_away_flushes_nothing(store: MoodyStore) -> None:
    """A process that ends says that something is left, after the time that it was given."""
    task = TaskDriver()
    task.started()
    store.raises = StoreUnavailable()
    task.log("one")
    assert not flush(0.01)


@pytest.mark.parametrize("error", [RuntimeError("odd"), TypeError("a bug"), OSError("disk")])
def test_our_own_failures_do_not_become_the_task_s(
    store: MoodyStore, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """They are logged with a traceback, and the next change is published as ever."""
    task = TaskDriver()
    store.raises = error
    task.pending()
    assert "could not be recorded" in caplog.text
    assert str(error) in caplog.text
    store.raises = None
    task.started()
    assert kept(store, task) == ["STARTED"]


def test_unreachable_layer_does_not_become_the_task_s_failure(
    store: MoodyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is recorded is recorded, whoever can't be told."""

    def fail(*args: Any) -> None:
        raise RuntimeError("no layer")

    task = TaskDriver()
    task.pending()
    monkeypatch.setattr(groups, "send", fail)
    task.started()
    assert kept(store, task) == ["PENDING", "STARTED"]


@pytest.mark.parametrize("error", [SoftTimeLimitExceeded(), SystemExit(), KeyboardInterrupt()])
def test_what_interrupts_the_task_comes_through(store: MoodyStore, error: BaseException) -> None:
    """A time limit or an exit that strikes while we publish is not ours to swallow."""
    task = TaskDriver()
    store.raises = error
    with pytest.raises(type(error)):
        task.pending()


def test_publishing_tells_whether_the_task_should_stop(store: MoodyStore) -> None:
    """Each answer of the store says so; no answer says nothing."""
    task = TaskDriver()
    change = changes.progressed(task.run, {"current": 1})
    assert publish(change) is False
    store.ask_to_stop(task.task_id)
    assert publish(change) is True
    store.raises = StoreUnavailable()
    assert publish(change) is False
    assert publish(change) is False


def test_late_change_is_told_to_nobody(store: MoodyStore, sent: list[tuple[str, Message]]) -> None:
    """What does not count leaves no trace."""
    task = TaskDriver()
    task.started()
    task.success()
    sent.clear()
    task.progress(1)
    task.log("late")
    assert sent == []


def test_publisher_and_readers_use_the_same_store() -> None:
    """What is published is what ``get_store()`` reads."""
    task = TaskDriver()
    task.pending()
    assert get_store().read(task.task_id) is not None


class ForgetfulStore(MoodyStore):
    """A store that takes a change, and whose answer is lost."""

    loses = 0

    def record(
        self, change: Change, *, key: str = "", group: str = "", envelope: bytes = b""
    ) -> Message | None:
        """Record, and say nothing."""
        message = super().record(change, key=key, group=group, envelope=envelope)
        if self.loses:
            self.loses -= 1
            raise StoreUnavailable
        return message


@pytest.mark.parametrize("loses", [1, 3])
def test_change_whose_answer_was_lost_counts_once(
    store: MoodyStore, monkeypatch: pytest.MonkeyPatch, loses: int
) -> None:
    """It is sent again, and the store knows it by its key."""
    forgetful = ForgetfulStore()
    monkeypatch.setattr(publisher, "get_store", lambda: forgetful)
    task = TaskDriver()
    task.started()
    forgetful.loses = loses
    for number in range(5):
        task.log(str(number))
    task.success()
    assert flush(SOON)
    assert kept(forgetful, task) == ["STARTED", *["log"] * 5, "SUCCESS"]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_no_two_processes_share_a_key() -> None:
    """A fork goes on under a name of its own."""
    before = publisher._new_key()
    pid = os.fork()
    if not pid:
        same = publisher._new_key().partition(".")[0] == before.partition(".")[0]
        os._exit(int(same))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert publisher._new_key() != before


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
