"""Watch over child processes: wait for what they promise, notice their end and our own."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import time
from typing import TYPE_CHECKING

from config.demo.exceptions import ChildError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from config.demo.child import Child

__all__ = ["Supervisor", "supervise"]

_POLL_SECONDS = 0.1


class Supervisor:
    """
    The children that must stay alive, and whether we were asked to stop.

    Made by ``supervise()``. Every wait ends early with StoppedError when SIGINT, SIGTERM or
    SIGHUP arrives, and with ChildError when one of the children ends.
    """

    def __init__(self, wakeup: socket.socket) -> None:
        self._wakeup = wakeup
        self._children: list[Child] = []
        self.stop_asked = False

    def watch(self, child: Child) -> None:
        """From now on the child's end is the end of all."""
        self._children.append(child)

    def wait_until(self, ready: Callable[[], bool], *, child: Child, seconds: float) -> None:
        """Return once the child is ready. Raises ChildError if that takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise ChildError(f"{child.name} was not ready within {seconds:.0f} seconds.", child)
            self._wait(_POLL_SECONDS)

    def wait_for_end(self, child: Child, *, seconds: float) -> int:
        """Wait until a child that is not watched has done its work; return its exit status."""
        self.wait_until(lambda: child.returncode is not None, child=child, seconds=seconds)
        status = child.returncode
        return 0 if status is None else status

    def wait_for_ever(self) -> None:
        """Wait for what ends everything. Always raises."""
        while True:
            self._wait(None)

    def _wait(self, seconds: float | None) -> None:
        if self.stop_asked:
            raise StoppedError
        for child in self._children:
            if child.returncode is not None:
                raise ChildError(f"{child.name} ended by itself ({_how(child.returncode)}).", child)
        # A signal writes to the socket, so none slips in between the checks and the wait.
        if select.select([self._wakeup], [], [], seconds)[0]:
            self._wakeup.recv(4096)


@contextlib.contextmanager
def supervise() -> Iterator[Supervisor]:
    """Take the signals over that end us or a child, for as long as the block lasts."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        supervisor = Supervisor(reader)

        def stop(number: int, frame: FrameType | None) -> None:
            supervisor.stop_asked = True

        def note(number: int, frame: FrameType | None) -> None:
            """Do nothing: that a handler is there is what makes the signal wake us."""

        handlers = {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGCHLD: note}
        # A terminal that is closed stops us, too, unless we were started to survive that.
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            handlers[signal.SIGHUP] = stop
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield supervisor
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)


def _how(status: int) -> str:
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name
