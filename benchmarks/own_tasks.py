"""Many tasks with a viewer each: what connecting costs, what idle ones hold, what events cost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.load import Load
from benchmarks.marks import make_mark
from benchmarks.measure import turns
from benchmarks.servers import Server
from benchmarks.sources import new_ids
from benchmarks.subjects import Subject
from benchmarks.window import Result, Window, measure_window, result_of, teller

__all__ = ["Connecting", "run"]

WARM_UP = 100
#: No further round of events begins after that, at full speed and at a fixed rate, where it takes
#: a server long to do enough.
SECONDS = 25.0
STEADY_SECONDS = 110.0
#: An odd number, for the median.
CONNECT_ROUNDS = 5
#: How long a server may stay subscribed to a task that nobody follows any more, and then some.
LINGER_SECONDS = 8.0
STEADY_PER_SECOND = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Connecting:
    """What a connection costs, its first message included, and what it holds while idle."""

    subject: str
    connections: int
    #: µs of CPU per connection.
    server: float
    redis: float
    #: Of resident memory per connection.
    bytes: float


@dataclass(slots=True)
class _Stand:
    """A subject with its tasks and its crowd."""

    subject: Subject
    paths: dict[str, str]
    load: Load

    def connect(self, paths: Sequence[str]) -> None:
        subject = self.subject
        self.load.connect(transport=subject.transport, port=subject.server.port, paths=[*paths])
        subject.server.settle()


def run(
    subjects: Sequence[Subject], redis: Server, *, tasks: int, rounds: int
) -> tuple[list[Connecting], list[Result], list[Result]]:
    """Return what connecting costs, and what an event costs at full speed and at a fixed rate."""
    with contextlib.ExitStack() as stack:
        stands = [_stand(subject, stack.enter_context(Load()), tasks) for subject in subjects]
        connecting = list(_connect(stands, redis))
        full = _deliver(
            stands, redis, turns(rounds, SECONDS), lambda s: teller(s.subject, [*s.paths], 1)
        )
        streaming = [stand for stand in stands if not stand.subject.name.endswith("poll")]
        steady = _deliver(streaming, redis, turns(rounds + 4, STEADY_SECONDS), _steady)
    return connecting, full, steady


def _stand(subject: Subject, load: Load, tasks: int) -> _Stand:
    paths = {task: subject.source.begin(task) for task in new_ids(tasks)}
    stand = _Stand(subject, paths, load)
    # What a server loads and makes once is not the connections' cost.
    stand.connect([*paths.values()][:WARM_UP])
    load.close()
    return stand


def _connect(stands: Sequence[_Stand], redis: Server) -> Iterator[Connecting]:
    """Yield each subject's result; the connections of the last round stay."""
    costs: dict[str, list[tuple[float, float]]] = {stand.subject.name: [] for stand in stands}
    held: dict[str, int] = {}
    began = time.monotonic()
    for turn in range(CONNECT_ROUNDS):
        if turn:
            time.sleep(max(0.0, began + LINGER_SECONDS - time.monotonic()))
        began = time.monotonic()
        for stand in stands:
            name, server = stand.subject.name, stand.subject.server
            server.settle()
            memory = server.resident_bytes()
            before = server.cpu_seconds(), redis.cpu_seconds()
            stand.connect([*stand.paths.values()])
            spent = server.cpu_seconds() - before[0], redis.cpu_seconds() - before[1]
            costs[name].append(spent)
            # Later rounds find the memory of the first.
            held.setdefault(name, server.resident_bytes() - memory)
            if turn < CONNECT_ROUNDS - 1:
                stand.load.close()
    for stand in stands:
        name, tasks = stand.subject.name, len(stand.paths)
        yield Connecting(
            subject=name,
            connections=tasks,
            server=median(1e6 * server / tasks for server, _ in costs[name]),
            redis=median(1e6 * redis / tasks for _, redis in costs[name]),
            bytes=held[name] / tasks,
        )


def _deliver(
    stands: Sequence[_Stand],
    redis: Server,
    rounds: Iterator[int],
    publisher: Callable[[_Stand], Callable[[int], int]],
) -> list[Result]:
    windows: dict[str, list[Window]] = {stand.subject.name: [] for stand in stands}
    for _ in rounds:
        for stand in stands:
            window = measure_window(stand.subject.server, stand.load, redis, publisher(stand))
            windows[stand.subject.name].append(window)
    return [result_of(name, 1, done) for name, done in windows.items()]


def _steady(stand: _Stand) -> Callable[[int], int]:
    """Return what publishes an event of each of some tasks, in a second."""
    tasks = [*stand.paths][:STEADY_PER_SECOND]

    def publish(number: int) -> int:
        began = time.monotonic()
        for position, task in enumerate(tasks):
            due = began + position / STEADY_PER_SECOND
            time.sleep(max(0.0, due - time.monotonic()))
            stand.subject.source.tell(task, make_mark(number))
        return len(tasks)

    return publish
