"""One stretch of events on one subject, and what it cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from benchmarks.load import Count
from benchmarks.marks import make_mark
from benchmarks.subjects import Subject

__all__ = ["Listener", "Measured", "Result", "Window", "measure_window", "result_of", "teller"]

#: What a server has to spend to be measured, and how long it may take.
ENOUGH_SECONDS = 0.2
LONGEST_SECONDS = 2.0


class Measured(Protocol):
    """One server process, or several."""

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far."""

    def settle(self) -> None:
        """Wait until nothing is left to do."""


class Listener(Protocol):
    """One crowd, or several."""

    def begin(self) -> int:
        """Count from here; return how many clients are up."""

    def wait(self, events: int) -> int:
        """Wait for so many events in all; return how many have come."""

    def count(self) -> Count:
        """Return what has come."""


@dataclass(frozen=True, slots=True)
class Window:
    """What was delivered and what was spent, in seconds of CPU."""

    count: Count
    #: How many deliveries there should have been.
    due: int
    server: float
    redis: float

    @property
    def lost(self) -> int:
        """How many deliveries there never were."""
        return self.due - (self.count.received - self.count.duplicated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Several windows as one: medians of the costs per delivered event, sums of what went wrong."""

    subject: str
    viewers: int
    #: µs of CPU.
    server: float
    redis: float
    #: ms
    p50: float
    p99: float
    received: int
    lost: int
    duplicated: int
    reordered: int


def measure_window(
    server: Measured, load: Listener, redis: Measured, publish: Callable[[int], int]
) -> Window:
    """Publish until the server has spent enough, and see what has come of it.

    ``publish`` publishes the events with this number and returns how many deliveries that makes;
    the next ones go out when these have come.
    """
    server.settle()
    load.begin()
    before = server.cpu_seconds(), redis.cpu_seconds()
    deadline = time.monotonic() + LONGEST_SECONDS
    due = number = 0
    while server.cpu_seconds() - before[0] < ENOUGH_SECONDS and time.monotonic() < deadline:
        number += 1
        due += publish(number)
        if load.wait(due) < due:
            break
    server.settle()
    return Window(
        load.count(),
        due,
        server.cpu_seconds() - before[0],
        redis.cpu_seconds() - before[1],
    )


def teller(subject: Subject, tasks: Sequence[str], viewers: int) -> Callable[[int], int]:
    """Return what publishes one event of each task."""

    def publish(number: int) -> int:
        for task in tasks:
            subject.source.tell(task, make_mark(number))
        return len(tasks) * viewers

    return publish


def result_of(subject: str, viewers: int, windows: Sequence[Window]) -> Result:
    """Return several windows as one result."""
    counts = [window.count for window in windows]
    return Result(
        subject=subject,
        viewers=viewers,
        server=median(1e6 * w.server / max(1, w.count.received) for w in windows),
        redis=median(1e6 * w.redis / max(1, w.count.received) for w in windows),
        p50=median(count.p50 for count in counts),
        p99=median(count.p99 for count in counts),
        received=sum(count.received for count in counts),
        lost=sum(window.lost for window in windows),
        duplicated=sum(count.duplicated for count in counts),
        reordered=sum(count.reordered for count in counts),
    )
