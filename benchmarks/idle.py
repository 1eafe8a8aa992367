"""Ten thousand connections, each on a task of its own, on one process, with little to do."""

from __future__ import annotations

import contextlib
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.load import Load
from benchmarks.marks import make_mark
from benchmarks.sources import TaskstatusSource, new_ids
from benchmarks.subjects import Subject

__all__ = ["Idle", "run"]

#: As long as pings, keepalives and reconciling take to come round.
IDLE_SECONDS = 20.0
EVENTS = 300
EVENTS_PER_SECOND = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """What one process holds and does."""

    subject: str
    connections: int
    #: How many of them could be opened, and how long that took.
    up: int
    seconds: float
    #: Of resident memory per connection.
    bytes: float
    #: Of a core, while nothing happens.
    share: float
    #: Of events to random connections, ms.
    p50: float
    p99: float
    events: int
    lost: int


def run(subjects: Sequence[Subject], *, connections: int) -> list[Idle]:
    """Return the figures; the subjects are followed at the same time, on the same tasks."""
    source = TaskstatusSource("websocket")
    tasks = new_ids(connections)
    paths = [source.begin(task) for task in tasks]
    with contextlib.ExitStack() as stack:
        loads = [stack.enter_context(Load()) for _ in subjects]
        held = [
            _connect(subject, load, paths) for subject, load in zip(subjects, loads, strict=True)
        ]
        shares = _idle(subjects)
        for load in loads:
            load.begin()
        _tell_some(source, tasks)
        for load in loads:
            load.wait(EVENTS)
        counts = [load.count() for load in loads]
    return [
        Idle(
            subject=subject.name,
            connections=connections,
            up=up,
            seconds=seconds,
            bytes=memory,
            share=share,
            p50=count.p50,
            p99=count.p99,
            events=EVENTS,
            lost=EVENTS - count.received + count.duplicated,
        )
        for subject, (up, seconds, memory), share, count in zip(
            subjects, held, shares, counts, strict=True
        )
    ]


def _connect(subject: Subject, load: Load, paths: Sequence[str]) -> tuple[int, float, float]:
    """Open all connections; return how many are up, how long it took, the memory of each."""
    server, transport = subject.server, subject.transport
    # What a server loads and makes once is not the connections' cost.
    load.connect(transport=transport, port=server.port, paths=[*paths[:100]])
    load.close()
    server.settle()
    memory = server.resident_bytes()
    up, seconds, failures = load.try_to_connect(
        transport=transport, port=server.port, paths=[*paths]
    )
    if failures:
        print(f"{subject.name}: {failures}", file=sys.stderr)
    server.settle()
    return up, seconds, (server.resident_bytes() - memory) / len(paths)


def _idle(subjects: Sequence[Subject]) -> list[float]:
    before = [subject.server.cpu_seconds() for subject in subjects]
    time.sleep(IDLE_SECONDS)
    after = [subject.server.cpu_seconds() for subject in subjects]
    return [(end - begin) / IDLE_SECONDS for begin, end in zip(before, after, strict=True)]


def _tell_some(source: TaskstatusSource, tasks: Sequence[str]) -> None:
    began = time.monotonic()
    for position, task in enumerate(random.sample(tasks, EVENTS)):
        time.sleep(max(0.0, began + position / EVENTS_PER_SECOND - time.monotonic()))
        source.tell(task, make_mark(1))
