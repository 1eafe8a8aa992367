"""The supervisor: waits end at a signal, at a child's death, or in time."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from config.demo.child import Child
from config.demo.exceptions import ChildError, StoppedError
from config.demo.supervisor import supervise

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait(number: signal.Signals) -> None:
    """One that comes during the wait, or before it, is not missed."""
    with supervise() as supervisor:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), number))
        timer.start()
        with pytest.raises(StoppedError):
            supervisor.wait_for_ever()
        timer.join()
        with pytest.raises(StoppedError):
            supervisor.wait_for_ever()


@pytest.mark.parametrize(("before", "heard"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False)])
def test_a_closed_terminal_ends_the_wait_unless_that_is_ignored(
    before: signal.Handlers, heard: bool
) -> None:
    """Under nohup it goes on."""
    outside = signal.signal(signal.SIGHUP, before)
    try:
        with supervise() as supervisor:
            os.kill(os.getpid(), signal.SIGHUP)
            assert supervisor.stop_asked is heard
    finally:
        signal.signal(signal.SIGHUP, outside)


def test_the_handlers_are_given_back() -> None:
    """Afterwards Ctrl-C means again what it meant before."""
    before = signal.getsignal(signal.SIGINT)
    with supervise():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_the_end_of_a_child_ends_the_wait(tmp_path: Path) -> None:
    """It is named, with how it ended, and its log is at hand."""
    log = tmp_path / "log"
    with supervise() as supervisor, Child("It", ["sh", "-c", "echo why; exit 3"], log=log) as child:
        supervisor.watch(child)
        with pytest.raises(ChildError, match=r"^It ended by itself \(exit status 3\)\.$") as raised:
            supervisor.wait_for_ever()
        assert raised.value.child is child
        assert child.tail() == "why"


def test_a_child_that_was_killed_is_said_to_be(tmp_path: Path) -> None:
    """The signal has its name."""
    log = tmp_path / "log"
    with supervise() as supervisor, Child("It", ["sleep", "60"], log=log) as child:
        supervisor.watch(child)
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(ChildError, match=r"\(SIGKILL\)"):
            supervisor.wait_until(lambda: False, child=child, seconds=10)


def test_what_is_not_ready_in_time_is_an_error(tmp_path: Path) -> None:
    """Patience is bounded, and the sentence says what it was about."""
    with supervise() as supervisor, Child("It", ["sleep", "60"], log=tmp_path / "log") as child:
        supervisor.wait_until(lambda: True, child=child, seconds=0)
        with pytest.raises(ChildError, match=r"^It was not ready within 0 seconds\.$"):
            supervisor.wait_until(lambda: False, child=child, seconds=0)


def test_a_command_is_waited_for(tmp_path: Path) -> None:
    """Its exit status is returned: to be over is what it is for."""
    log = tmp_path / "log"
    with supervise() as supervisor, Child("It", ["sh", "-c", "exit 4"], log=log) as child:
        assert supervisor.wait_for_end(child, seconds=10) == 4
