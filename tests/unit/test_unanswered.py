"""An answer that nobody waits for is read all the same: once, by whoever comes next, or in time."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import pytest

from taskstatus import unanswered
from taskstatus.unanswered import Unanswered

SOON = 10.0
NEVER = 60.0


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Unanswered:
    """Return what holds an answer that no thread looks after."""
    monkeypatch.setattr(unanswered, "LOOK_SECONDS", NEVER)
    return Unanswered()


def test_answer_is_read_once(held: Unanswered) -> None:
    """By the first who asks."""
    read: list[str] = []
    held.read()
    held.hold(lambda: read.append("answer"))
    assert read == []
    held.read()
    held.read()
    assert read == ["answer"]


def test_answer_is_read_before_another_takes_its_place(held: Unanswered) -> None:
    """None is dropped."""
    read: list[str] = []
    held.hold(lambda: read.append("one"))
    held.hold(lambda: read.append("two"))
    assert read == ["one"]
    held.read()
    assert read == ["one", "two"]


def test_answer_that_is_left_alone_is_read_by_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so is the next one, whether the thread has ended meanwhile or not."""
    monkeypatch.setattr(unanswered, "LOOK_SECONDS", 0.001)
    held = Unanswered()
    for _ in range(20):
        read = threading.Event()
        held.hold(read.set)
        assert read.wait(SOON)


def test_thread_leaves_a_new_answer_to_the_one_who_sent_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads what it sees a second time."""
    looks = threading.Semaphore(0)
    looked = threading.Semaphore(0)

    def sleep(seconds: float) -> None:
        looked.release()
        assert looks.acquire(timeout=SOON)

    monkeypatch.setattr(unanswered, "time", SimpleNamespace(sleep=sleep))
    held, read = Unanswered(), threading.Event()
    held.hold(read.set)
    assert looked.acquire(timeout=SOON)
    looks.release()
    assert looked.acquire(timeout=SOON)
    assert not read.is_set()
    looks.release()
    assert read.wait(SOON)


def test_answer_whose_reader_was_interrupted_is_left_to_the_next(held: Unanswered) -> None:
    """A soft time limit may strike in the midst of it."""
    asked: list[str] = []

    def answer() -> None:
        asked.append("asked")
        if len(asked) == 1:
            raise KeyboardInterrupt

    held.hold(answer)
    with pytest.raises(KeyboardInterrupt):
        held.read()
    held.read()
    held.read()
    assert len(asked) == 2


def test_who_is_called_while_an_answer_is_read_does_not_wait_for_it(held: Unanswered) -> None:
    """Python may close a loop that publishes how far it came, in the midst of reading."""
    asked: list[str] = []

    def answer() -> None:
        asked.append("asked")
        held.read()

    held.hold(answer)
    held.read()
    assert asked == ["asked"]


def test_another_thread_waits_for_the_one_that_reads(held: Unanswered) -> None:
    """What it has to tell the store comes after."""
    reading, may_end = threading.Event(), threading.Event()
    order: list[str] = []

    def answer() -> None:
        reading.set()
        assert may_end.wait(SOON)
        order.append("answer")

    def read(name: str) -> None:
        held.read()
        order.append(name)

    held.hold(answer)
    first = threading.Thread(target=read, args=["reader"])
    first.start()
    assert reading.wait(SOON)
    second = threading.Thread(target=read, args=["another"])
    second.start()
    may_end.set()
    first.join(SOON)
    second.join(SOON)
    assert order[0] == "answer"
    assert sorted(order[1:]) == ["another", "reader"]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_leaves_the_answer_to_its_parent(held: Unanswered) -> None:
    """The connection that it comes over is the parent's."""
    read: list[str] = []
    held.hold(lambda: read.append("answer"))
    pid = os.fork()
    if not pid:
        held.read()
        os._exit(len(read))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    held.read()
    assert read == ["answer"]
