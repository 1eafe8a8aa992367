"""The mark that each event carries, and what has become of those that were sent."""

from __future__ import annotations

import re
import time

__all__ = ["MARK", "Tally", "make_mark"]

#: The number of the event, and when it was published by the machine's monotonic clock.
MARK = re.compile(rb"bench:(\d+):(\d+);")


def make_mark(number: int) -> str:
    """Return the mark of the event with this number, counted from 1, published now."""
    return f"bench:{number}:{time.monotonic_ns()};"


class Tally:
    """What one connection has got of the events 1, 2, 3, …"""

    __slots__ = ("_missing", "duplicated", "last", "reordered")

    def __init__(self) -> None:
        self.last = 0
        self.duplicated = 0
        self.reordered = 0
        self._missing: set[int] = set()

    @property
    def holes(self) -> int:
        """How many have not come although a later one has."""
        return len(self._missing)

    def add(self, number: int) -> None:
        """Note that this event has come."""
        if number == self.last + 1:
            self.last = number
        elif number > self.last:
            self._missing.update(range(self.last + 1, number))
            self.last = number
        elif number in self._missing:
            self._missing.discard(number)
            self.reordered += 1
        else:
            self.duplicated += 1
