"""The parts of a run, by name: each returns figures that JSON can hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import burst, constants, fanout, idle, overhead, own_tasks, publish, tracking
from benchmarks.servers import Server, Servers
from benchmarks.subjects import NAMES, Subject, start_subjects
from config.demo.redis_server import RedisServer

__all__ = ["PARTS", "Bench"]


@dataclass(slots=True)
class Bench:
    """What a run has to work with."""

    redis: RedisServer
    servers: Servers
    folder: Path
    #: How often subjects take turns.
    rounds: int
    #: Viewers of one task.
    sizes: Sequence[int]
    #: Subjects whose names begin so.
    only: tuple[str, ...]
    _subjects: dict[str, Subject] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The Redis that all subjects use."""
        return f"{self.redis.url}/0"

    @property
    def store(self) -> Server:
        """That Redis as a server whose CPU time is told apart."""
        return Server(self.redis.child, 0)

    def subjects(self, *names: str) -> list[Subject]:
        """Return these subjects, all by default; each is started once for all parts."""
        wanted = [name for name in names or NAMES if name.startswith(self.only)]
        missing = [name for name in wanted if name not in self._subjects]
        for subject in start_subjects(self.servers, missing):
            self._subjects[subject.name] = subject
        return [self._subjects[name] for name in wanted if name in self._subjects]

    def fresh(self, *names: str) -> list[Subject]:
        """Return these subjects in servers that have served nobody."""
        return list(start_subjects(self.servers, [n for n in names if n.startswith(self.only)]))


def _tasks(bench: Bench) -> Any:
    """Connections, memory and events of 1,000 tasks with a viewer each."""
    connecting, full, steady = own_tasks.run(
        bench.subjects(), bench.store, tasks=1_000, rounds=bench.rounds
    )
    return {"connecting": _all(connecting), "full": _all(full), "steady": _all(steady)}


def _fanout(bench: Bench) -> Any:
    """Events of one task to 100, 1,000 and 4,000 viewers."""
    return _all(
        fanout.run(bench.subjects(), bench.store, sizes=bench.sizes, rounds=bench.rounds + 4)
    )


def _burst(bench: Bench) -> Any:
    """1,000 lines at once to 100 clients."""
    return _all(burst.run(bench.subjects(), lines=1_000, clients=100))


def _publish(bench: Bench) -> Any:
    """What a publish costs the worker, without viewers and with 1,000."""
    subjects = bench.subjects("tutorial", "daphne-ws")
    return {
        "bare": _all(publish.run(bench.url)),
        "viewers": _all(publish.run_with_viewers(subjects, bench.url, viewers=(0, 1_000))),
    }


def _idle(bench: Bench) -> Any:
    """10,000 connections with little to do."""
    return _all(idle.run(bench.fresh("daphne-ws", "uvicorn-ws"), connections=10_000))


def _celery(bench: Bench) -> Any:
    """A Celery task of 5 ms with taskstatus and without."""
    return _all(overhead.run(bench.url, bench.folder, tasks=200, rounds=bench.rounds + 2))


def _track(bench: Bench) -> Any:
    """An iteration of a loop under track()."""
    del bench
    return tracking.run.apply().get()


def _scaling(bench: Bench) -> Any:
    """The constants of the model of docs/scaling.md, and two processes to check it."""
    return constants.run(bench.servers, bench.store, bench.url, rounds=bench.rounds + 5)


def _all(results: Any) -> list[dict[str, Any]]:
    return [asdict(result) for result in results]


#: In this order: memory is measured while the servers are new, and what takes longest comes last,
#: when the time may be over.
PARTS: dict[str, Callable[[Bench], Any]] = {
    "tasks": _tasks,
    "fanout": _fanout,
    "publish": _publish,
    "celery": _celery,
    "track": _track,
    "burst": _burst,
    "scaling": _scaling,
    "idle": _idle,
}
