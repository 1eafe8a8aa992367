"""A burst: as many lines as a task can write, to a hundred clients."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.load import Load
from benchmarks.marks import make_mark
from benchmarks.sources import new_ids
from benchmarks.subjects import Subject

__all__ = ["Burst", "run"]

#: No further event for so long means that there will be none.
STALL_SECONDS = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """What has come of it."""

    subject: str
    clients: int
    lines: int
    #: Until the last one has come.
    seconds: float
    lost: int
    #: Of those: a later one has come, so that they are not just late.
    holes: int
    duplicated: int
    reordered: int


def run(subjects: Sequence[Subject], *, lines: int, clients: int) -> list[Burst]:
    """Return what has become of the lines on each subject."""
    return [_burst(subject, lines, clients) for subject in subjects]


def _burst(subject: Subject, lines: int, clients: int) -> Burst:
    [task] = new_ids(1)
    paths = [subject.source.begin(task)] * clients
    with Load() as load:
        load.connect(transport=subject.transport, port=subject.server.port, paths=paths)
        load.begin()
        began = time.monotonic()
        for number in range(1, lines + 1):
            subject.source.line(task, make_mark(number))
        came, at = -1, began
        while (now := load.wait(lines * clients, seconds=STALL_SECONDS)) > came:
            came, at = now, time.monotonic()
            if came >= lines * clients:
                break
        count = load.count()
    return Burst(
        subject=subject.name,
        clients=clients,
        lines=lines,
        seconds=at - began,
        lost=lines * clients - count.received + count.duplicated,
        holes=count.holes,
        duplicated=count.duplicated,
        reordered=count.reordered,
    )
