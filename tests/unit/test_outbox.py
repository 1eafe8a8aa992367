"""Changes that the store would not take are kept, in order, and sent when it does."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

import pytest

from taskstatus import changes, outbox
from taskstatus.changes import Change, Run
from taskstatus.exceptions import StoreUnavailable
from taskstatus.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

SOON = 10.0


class Store:
    """Takes changes, or does not."""

    def __init__(self) -> None:
        self.taken: list[Change] = []
        self.tried = threading.Semaphore(0)
        self.open = threading.Event()
        self.refuses: Callable[[Change], bool] = lambda change: False

    def __call__(self, change: Change) -> None:
        """Take a change."""
        self.tried.release()
        if not self.open.is_set():
            raise StoreUnavailable
        if self.refuses(change):
            raise RuntimeError("not this one")
        self.taken.append(change)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a store that is away."""
    monkeypatch.setattr(outbox, "RETRY_SECONDS", 0.005)
    return Store()


RUN = Run(task_id="an id", attempt=0, number=1, fields={"started_at": '"then"'})


def line(text: str) -> Change:
    """Return a line for the log."""
    return changes.log(RUN, text, level="info")


def progress(current: int, run: Run = RUN) -> Change:
    """Return an interim state."""
    return changes.progressed(run, {"current": current})


def fill(store: Store, *some: Change) -> Outbox:
    """Return an outbox with these, the first of which is on its way."""
    subject = Outbox(store)
    subject.put(some[0])
    assert store.tried.acquire(timeout=SOON)
    for change in some[1:]:
        subject.put(change)
    return subject


def test_changes_are_sent_in_order_once_the_store_is_back(store: Store) -> None:
    """None is lost, none is sent twice, none overtakes another."""
    some = [line(str(number)) for number in range(20)]
    subject = fill(store, *some)
    assert len(subject) == 20
    assert store.taken == []
    store.open.set()
    assert subject.flush(SOON)
    assert store.taken == some
    assert len(subject) == 0


def test_flush_waits_no_longer_than_it_may(store: Store) -> None:
    """A process that ends does not wait for a store that stays away."""
    subject = fill(store, line("one"))
    assert not subject.flush(0.01)
    store.open.set()
    assert subject.flush(SOON)


def test_turn_comes_when_all_of_the_task_is_sent(store: Store) -> None:
    """It is not had as long as anything of the task waits; other tasks need not wait."""
    store.open.set()
    passing, there, go_on = threading.Semaphore(0), threading.Semaphore(0), store.refuses

    def wait(change: Change) -> bool:
        there.release()
        return not passing.acquire(timeout=SOON)

    store.refuses = wait
    subject = Outbox(store)
    some = [line("one"), progress(1), progress(2)]
    for change in some:
        subject.put(change)
        assert change is not some[0] or there.acquire(timeout=SOON)
    assert subject.turn("another id", 0)
    passing.release()
    assert there.acquire(timeout=SOON)
    assert not subject.turn(RUN.task_id, 0)
    store.refuses = go_on
    passing.release()
    assert subject.turn(RUN.task_id, SOON)
    assert store.taken == [some[0], some[2]]


def test_nobody_waits_for_a_turn_while_the_store_is_away(store: Store) -> None:
    """Neither if it was so before, nor if it turns out meanwhile."""
    store.open.set()
    asked, away = threading.Event(), threading.Event()

    def fail(change: Change) -> bool:
        asked.set()
        assert away.wait(SOON)
        raise StoreUnavailable

    store.refuses, go_on = fail, store.refuses
    subject = Outbox(store)
    subject.put(line("one"))
    assert asked.wait(SOON)
    timer = threading.Timer(0, away.set)
    timer.start()
    assert not subject.turn(RUN.task_id, 10 * SOON)
    assert not subject.turn("another id", 10 * SOON)
    timer.join()
    store.refuses = go_on
    assert subject.flush(SOON)
    assert subject.turn(RUN.task_id, 0)


def test_dropped_changes_are_not_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is forgotten altogether."""
    monkeypatch.setattr(outbox, "MAX_CHANGES", 2)
    other = Run(task_id="another id", attempt=0, number=1, fields=RUN.fields)
    store.open.set()
    passing = threading.Event()
    store.refuses = lambda change: not passing.wait(SOON)
    subject = fill(store, line("one"), progress(1, other), line("two"), line("three"))
    assert subject.turn(other.task_id, 0)
    assert not subject.turn(RUN.task_id, 0)
    passing.set()
    assert subject.flush(SOON)


def test_flush_of_an_empty_outbox_is_done(store: Store) -> None:
    """There is nothing to wait for."""
    assert Outbox(store).flush(0)


def test_outbox_can_be_used_again(store: Store) -> None:
    """The next outage is met like the first one."""
    store.open.set()
    subject = Outbox(store)
    for number in range(3):
        subject.put(line(str(number)))
        assert subject.flush(SOON)
    assert len(store.taken) == 3


def test_newer_interim_states_replace_older_ones(store: Store) -> None:
    """A task that counts through an outage leaves its last value, and every line."""
    some = [line("first"), *[progress(n) for n in range(10)], line("half"), progress(10)]
    subject = fill(store, *some)
    store.open.set()
    assert subject.flush(SOON)
    assert store.taken == [some[0], some[10], some[11], some[12]]


def test_change_that_is_on_its_way_is_left_alone(store: Store) -> None:
    """The first one may just be taken by the store."""
    some = [progress(1), progress(2), progress(3)]
    subject = fill(store, *some)
    store.open.set()
    assert subject.flush(SOON)
    assert store.taken == [some[0], some[2]]


def test_other_runs_and_states_are_kept_apart(store: Store) -> None:
    """Only the same state of the same run of the same task is conflated."""
    other = Run(task_id="another", attempt=0, number=1, fields=RUN.fields)
    again = Run(task_id="an id", attempt=0, number=2, fields=RUN.fields)
    some = [
        line("first"),
        progress(1),
        progress(1, other),
        progress(1, again),
        changes.custom(again, "PARSING", None),
        changes.retried(again, None),
        changes.retried(again, None),
    ]
    subject = fill(store, *some)
    store.open.set()
    assert subject.flush(SOON)
    assert store.taken == some


def test_change_that_can_never_be_sent_holds_up_no_other(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with its traceback, and dropped."""
    some = [line("one"), line("bad"), line("two")]
    store.refuses = lambda change: change is some[1]
    subject = fill(store, *some)
    store.open.set()
    assert subject.flush(SOON)
    assert store.taken == [some[0], some[2]]
    assert "could not be recorded" in caplog.text
    assert "not this one" in caplog.text


def test_full_outbox_drops_the_oldest_and_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Memory is bounded; what goes is what matters least by now."""
    monkeypatch.setattr(outbox, "MAX_CHANGES", 5)
    some = [line(str(number)) for number in range(20)]
    subject = fill(store, *some)
    assert len(subject) == 5
    store.open.set()
    assert subject.flush(SOON)
    assert store.taken == [some[0], *some[-4:]]
    with caplog.at_level(logging.ERROR):
        subject.put(line("more"))
        assert subject.flush(SOON)
    assert caplog.text.count("15 changes did not fit in the outbox") == 1


def test_outage_is_told_once(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """A thousand changes are no thousand warnings."""
    subject = fill(store, *[line(str(number)) for number in range(100)])
    store.open.set()
    assert subject.flush(SOON)
    assert caplog.text.count("does not answer") == 1


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_child_of_a_fork_begins_with_an_empty_outbox(store: Store) -> None:
    """What the parent holds is the parent's to send; the child's own is sent as well."""
    subject = fill(store, line("one"), line("two"))
    child = os.fork()
    if child == 0:
        store.open.set()
        empty = len(subject) == 0
        subject.put(line("child"))
        os._exit(0 if empty and subject.flush(SOON) and len(store.taken) == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(subject) == 2
    store.open.set()
    assert subject.flush(SOON)
