"""Publishing never raises, never waits for long, and loses nothing while the store is away."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from taskstatus import changes, groups, publisher
from taskstatus.exceptions import StoreUnavailable
from taskstatus.publisher import flush, publish
from taskstatus.stores import get_store
from taskstatus.testing import TaskDriver
from tests.unit.publisher.stores import ForgetfulStore, MoodyStore, kept

if TYPE_CHECKING:
    from taskstatus.messages import Message

SOON = 10.0


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
