"""One timer for many who wait long.

A timer takes uvloop almost half a kilobyte, and a stream that is open and quiet waits for minutes.
"""

from __future__ import annotations

import asyncio
import math
from typing import Protocol
from weakref import WeakKeyDictionary

from taskstatus.loops import for_this_loop

__all__ = ["Clock", "Sleeper", "get_clock"]


class Sleeper(Protocol):
    """One who waits."""

    def wake(self) -> None:
        """Hear that the time has come. Must not raise."""


class Clock:
    """Wakes sleepers when their time has come, or up to a second later. For one event loop."""

    def __init__(self) -> None:
        self._due: dict[int, set[Sleeper]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0

    def __len__(self) -> int:
        return sum(map(len, self._due.values()))

    def add(self, sleeper: Sleeper, seconds: float) -> int:
        """Wake a sleeper in so long; return what names its time."""
        due = math.ceil(asyncio.get_running_loop().time() + seconds)
        self._due.setdefault(due, set()).add(sleeper)
        if self._timer is None or due < self._next:
            self._set(due)
        return due

    def remove(self, sleeper: Sleeper, due: int) -> None:
        """Let a sleeper sleep on; nothing happens when it has been woken."""
        others = self._due.get(due)
        if others is not None:
            others.discard(sleeper)
            if not others:
                del self._due[due]
        if not self._due and self._timer is not None:
            # It would hold the event loop, though that be closed.
            self._timer.cancel()
            self._timer = None

    def _set(self, due: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = due
        self._timer = asyncio.get_running_loop().call_at(due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for due in [due for due in self._due if due <= now]:
            for sleeper in self._due.pop(due):
                sleeper.wake()
        if self._due:
            self._set(min(self._due))


_clocks: WeakKeyDictionary[asyncio.AbstractEventLoop, Clock] = WeakKeyDictionary()


def get_clock() -> Clock:
    """Return the clock of the running event loop."""
    return for_this_loop(_clocks, Clock)
