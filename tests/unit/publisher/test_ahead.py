"""A change that nobody waits for: it is sent, its answer is read later, and it is never lost."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from taskstatus import changes, groups, outbox, publisher, unanswered
from taskstatus.exceptions import StoreUnavailable
from taskstatus.publisher import flush, outbox_depth, publish, settle
from taskstatus.signals import task_status_changed
from taskstatus.testing import TaskDriver
from tests.unit.publisher.stores import MoodyStore, kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from taskstatus.changes import Change
    from taskstatus.messages import Message

SOON = 10.0


class SentTo(MoodyStore):
    """A store that is sent changes, and records them when their answer is read."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        #: The threads that have asked it to record.
        self.asked_by: list[threading.Thread] = []
        self.recorded = threading.Event()

    def send(
        self, change: Change, *, key: str, group: str, envelope: bytes
    ) -> Callable[[], Message | None]:
        """Take a change that nobody waits for."""
        self.sent.append(change.state)
        return super().send(change, key=key, group=group, envelope=envelope)

    def record(
        self, change: Change, *, key: str = "", group: str = "", envelope: bytes = b""
    ) -> Message | None:
        """Record, and say so."""
        self.asked_by.append(threading.current_thread())
        message = super().record(change, key=key, group=group, envelope=envelope)
        self.recorded.set()
        return message


@pytest.fixture
def ahead(store: MoodyStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[SentTo]:
    """Yield a store that tells the groups by itself, whose answers no thread looks after."""
    del store
    ahead = SentTo()
    monkeypatch.setattr(publisher, "get_store", lambda: ahead)
    monkeypatch.setattr(groups, "envelope", lambda *args: ("a group", b"an envelope"))
    monkeypatch.setattr(unanswered, "LOOK_SECONDS", 60.0)
    yield ahead
    ahead.raises = None


def start(task: TaskDriver) -> None:
    """Publish that the task begins, and do not wait."""
    assert publish(changes.started(task.run), wait=False) is False


def succeed(task: TaskDriver) -> None:
    """Publish that the task has succeeded, and do not wait."""
    assert publish(changes.succeeded(task.run, None, max_bytes=100), wait=False) is False


def test_answer_is_read_before_anything_else_is_told(ahead: SentTo) -> None:
    """Whatever it is and whoever tells it: changes take effect in order."""
    task, other = TaskDriver(), TaskDriver()
    start(task)
    assert ahead.sent == ["STARTED"]
    assert ahead.tried == 0
    task.log("one")
    assert kept(ahead, task) == ["STARTED", "log"]
    succeed(task)
    thread = threading.Thread(target=other.pending)
    thread.start()
    thread.join(SOON)
    assert kept(ahead, task) == ["STARTED", "log", "SUCCESS"]


@pytest.mark.parametrize("ask", [flush, settle])
def test_answer_is_read_when_the_process_ends(ahead: SentTo, ask: Callable[[], object]) -> None:
    """As far as it ends in good order; and before a test looks."""
    task = TaskDriver()
    start(task)
    ask()
    assert kept(ahead, task) == ["STARTED"]


def test_answer_that_nobody_asks_for_is_read_soon(
    ahead: SentTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task may have nothing to tell for hours."""
    monkeypatch.setattr(unanswered, "LOOK_SECONDS", 0.001)
    start(TaskDriver())
    assert ahead.recorded.wait(SOON)


def test_record_that_was_lost_begins_again(ahead: SentTo) -> None:
    """With all that the run knows of itself."""
    task = TaskDriver()
    start(task)
    flush()
    ahead.clear()
    succeed(task)
    flush()
    assert kept(ahead, task) == ["STARTED", "SUCCESS"]


def test_change_that_a_store_did_not_take_is_told_again(ahead: SentTo) -> None:
    """By the outbox, with all that comes after it, in order; the store is tried once."""
    task = TaskDriver()
    start(task)
    ahead.raises = StoreUnavailable()
    task.log("one")
    assert ahead.asked_by.count(threading.current_thread()) == 1
    assert outbox_depth() == 2
    succeed(task)
    assert ahead.sent == ["STARTED"]
    ahead.raises = None
    assert flush(SOON)
    assert kept(ahead, task) == ["STARTED", "log", "SUCCESS"]


def test_change_that_could_not_be_sent_is_told_later(
    ahead: SentTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has it, so it goes to the outbox at once."""

    def refuse(change: Change, **kwargs: Any) -> Callable[[], Message | None]:
        raise StoreUnavailable

    monkeypatch.setattr(ahead, "send", refuse)
    monkeypatch.setattr(outbox, "RETRY_SECONDS", 0.001)
    task = TaskDriver()
    start(task)
    assert flush(SOON)
    assert kept(ahead, task) == ["STARTED"]


@pytest.mark.parametrize("error", [SoftTimeLimitExceeded(), SystemExit(), KeyboardInterrupt()])
def test_what_interrupts_the_reading_comes_through(ahead: SentTo, error: BaseException) -> None:
    """And the answer is left to the next who asks."""
    task = TaskDriver()
    start(task)
    ahead.raises = error
    with pytest.raises(type(error)):
        task.log("one")
    ahead.raises = None
    task.log("two")
    assert kept(ahead, task) == ["STARTED", "log"]


def test_our_own_failure_does_not_become_the_task_s(
    ahead: SentTo, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once, and what comes next is told as ever."""
    task = TaskDriver()
    start(task)
    ahead.raises = RuntimeError("odd")
    flush()
    ahead.raises = None
    task.log("one")
    assert caplog.text.count("could not be recorded") == 1
    assert kept(ahead, task) == ["STARTED", "log"]


def test_listeners_are_told_of_what_is_recorded(ahead: SentTo) -> None:
    """So with any of them it is waited for."""
    told: list[str] = []

    def listen(status: Any, **kwargs: Any) -> None:
        told.append(status.state)

    task_status_changed.connect(listen)
    try:
        start(TaskDriver())
    finally:
        task_status_changed.disconnect(listen)
    assert told == ["STARTED"]
    assert ahead.sent == []


def test_group_that_the_store_does_not_tell_is_told_at_once(
    ahead: SentTo, monkeypatch: pytest.MonkeyPatch, sent: list[tuple[str, Message]]
) -> None:
    """Of a layer that is none of the store's, whoever publishes tells it what was recorded."""
    monkeypatch.setattr(groups, "envelope", lambda *args: None)
    task = TaskDriver()
    start(task)
    assert [message.state for _, message in sent] == ["STARTED"]
    assert kept(ahead, task) == ["STARTED"]


def test_pool_of_threads_waits(ahead: SentTo) -> None:
    """Several tasks run there at a time, over connections that they share."""
    task = TaskDriver()
    thread = threading.Thread(target=start, args=[task])
    thread.start()
    thread.join(SOON)
    assert kept(ahead, task) == ["STARTED"]
    assert ahead.sent == []


def test_store_that_is_known_to_be_slow_is_waited_for(
    ahead: SentTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is told later must not overtake."""
    monkeypatch.setattr(publisher, "_slow_until", math.inf)
    task = TaskDriver()
    start(task)
    assert kept(ahead, task) == ["STARTED"]
    assert ahead.sent == []


def test_wish_to_stop_is_forgotten_with_the_task(
    ahead: SentTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker lives long."""
    task = TaskDriver()
    wishes = {task.task_id, "another"}
    monkeypatch.setattr(publisher, "_asked_to_stop", wishes)
    start(task)
    assert wishes == {task.task_id, "another"}
    succeed(task)
    assert wishes == {"another"}
