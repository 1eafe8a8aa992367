"""Measures the constants of the model, and two server processes to see whether it holds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from redis import Redis

from benchmarks.load import Count, Load
from benchmarks.marks import make_mark
from benchmarks.measure import turns
from benchmarks.scaling import constants_of
from benchmarks.servers import Server, Servers
from benchmarks.sources import TaskstatusSource, new_ids
from benchmarks.window import Result, Window, measure_window, result_of

__all__ = ["run"]

#: No further round begins after that.
SECONDS = 40.0
VIEWERS = 1_000
TASKS = 300


@dataclass(frozen=True, slots=True)
class _Hosts:
    """Server processes as one, each with its own crowd."""

    servers: Sequence[Server]
    loads: Sequence[Load]

    def cpu_seconds(self) -> float:
        """Return the CPU time of all."""
        return sum(server.cpu_seconds() for server in self.servers)

    def settle(self) -> None:
        """Wait until all are idle."""
        for server in self.servers:
            server.settle()

    def begin(self) -> int:
        """Count from here."""
        return sum(load.begin() for load in self.loads)

    def wait(self, events: int) -> int:
        """Wait for the same number of events at each."""
        return sum(load.wait(events // len(self.loads)) for load in self.loads)

    def count(self) -> Count:
        """Return what has come: sums, and the worse delays."""
        counts = [asdict(load.count()) for load in self.loads]
        return Count(
            **{
                key: (max if key in {"p50", "p99", "max"} else sum)(c[key] for c in counts)
                for key in counts[0]
            }
        )

    def connect(self, paths: Sequence[str]) -> None:
        """Open these connections at each."""
        for server, load in zip(self.servers, self.loads, strict=True):
            load.connect(transport="websocket", port=server.port, paths=[*paths])
        self.settle()


def run(servers: Servers, redis: Server, redis_url: str, *, rounds: int) -> dict[str, Any]:
    """Return the constants but for idling, and measured and predicted costs of two processes."""
    source = TaskstatusSource("websocket")
    with contextlib.ExitStack() as stack:

        def hosts(number: int) -> _Hosts:
            loads = [stack.enter_context(Load()) for _ in range(number)]
            return _Hosts([servers.uvicorn(RECONCILE_SECONDS=1) for _ in loads], loads)

        one, two, one_crowd, two_crowd = hosts(1), hosts(2), hosts(1), hosts(2)
        client = stack.enter_context(Redis.from_url(redis_url))
        tasks = {number: new_ids(TASKS) for number in (0, 1, 2)}
        paths = {number: [source.begin(task) for task in some] for number, some in tasks.items()}
        traffic = _Traffic(client)
        redis_before = redis.cpu_seconds()
        one.connect(paths[1])
        constants = {
            "redis_connect": 1e6 * (redis.cpu_seconds() - redis_before) / TASKS,
            "bytes_connect": traffic.lap() / TASKS,
        }
        constants |= _reconcile(redis, traffic, one)
        two.connect(paths[2])
        crowd_tasks = new_ids(2)
        one_crowd.connect([source.begin(crowd_tasks[0])] * VIEWERS)
        two_crowd.connect([source.begin(crowd_tasks[1])] * (VIEWERS // 2))
        layout: dict[str, tuple[_Hosts, list[str], int]] = {
            "one": (one, tasks[1], 1),
            "two": (two, tasks[2], 2),
            "one, crowd": (one_crowd, crowd_tasks[:1], VIEWERS),
            "two, crowd": (two_crowd, crowd_tasks[1:], VIEWERS),
        }
        windows: dict[str, list[Window]] = {name: [] for name in layout}
        silent: list[float] = []
        for _ in turns(rounds, SECONDS):
            silent.append(_silent(redis, source, tasks[0]))
            for name, (host, some, viewers) in layout.items():
                publish = _teller(source, some, viewers)
                windows[name].append(measure_window(host, host, redis, publish))
        results = {name: result_of(name, layout[name][2], done) for name, done in windows.items()}
        constants |= _traffic_of(traffic, source, tasks)
    return _conclude(constants, results, median(silent))


def _teller(source: TaskstatusSource, tasks: Sequence[str], viewers: int) -> Callable[[int], int]:
    def publish(number: int) -> int:
        for task in tasks:
            source.tell(task, make_mark(number))
        return len(tasks) * viewers

    return publish


class _Traffic:
    """Bytes that Redis has taken and given."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._last = self._now()

    def _now(self) -> int:
        stats: dict[str, Any] = self._client.info("stats")
        return int(stats["total_net_input_bytes"]) + int(stats["total_net_output_bytes"])

    def lap(self) -> int:
        """Return how many since the last lap; those of asking are few."""
        last, self._last = self._last, self._now()
        return self._last - last


def _reconcile(redis: Server, traffic: _Traffic, host: _Hosts) -> dict[str, float]:
    """Return what one look at one task costs Redis; the server looks once a second."""
    host.settle()
    traffic.lap()
    before, seconds = redis.cpu_seconds(), 3
    time.sleep(seconds)
    looks = TASKS * seconds
    return {
        "redis_reconcile": 1e6 * (redis.cpu_seconds() - before) / looks,
        "bytes_reconcile": traffic.lap() / looks,
    }


def _traffic_of(
    traffic: _Traffic, source: TaskstatusSource, tasks: dict[int, list[str]]
) -> dict[str, float]:
    """Return the bytes of a publish that nobody is subscribed to, and of each subscriber."""
    laps = []
    for number in (0, 1):
        traffic.lap()
        _teller(source, tasks[number], number)(10_000)
        laps.append(traffic.lap() / TASKS)
    return {"bytes_publish": laps[0], "bytes_subscriber": laps[1] - laps[0]}


def _silent(redis: Server, source: TaskstatusSource, tasks: Sequence[str]) -> float:
    """Return what a publish costs Redis that nobody is subscribed to."""
    before = redis.cpu_seconds()
    for number in (1, 2, 3):
        _teller(source, tasks, 0)(number)
    return 1e6 * (redis.cpu_seconds() - before) / (3 * len(tasks))


def _conclude(
    constants: dict[str, float], results: dict[str, Result], silent: float
) -> dict[str, Any]:
    event, delivery = constants_of(
        single=results["one"].server, crowd=results["one, crowd"].server, viewers=VIEWERS
    )
    subscriber = results["one"].redis - silent
    constants |= {
        "event": event,
        "delivery": delivery,
        "redis_publish": silent,
        "redis_subscriber": subscriber,
    }
    checks = {
        # Per delivered event. Each of the two processes has one viewer of each task, ...
        "server, 300 tasks with a viewer on each of two processes": (
            event + delivery,
            results["two"].server,
        ),
        # ... or half of all viewers of one task.
        "server, 1,000 viewers of one task on two processes": (
            delivery + 2 * event / VIEWERS,
            results["two, crowd"].server,
        ),
        "Redis, 300 tasks with a viewer on each of two processes": (
            (silent + 2 * subscriber) / 2,
            results["two"].redis,
        ),
    }
    return {
        "constants": constants,
        "checks": [
            {"what": what, "predicted": predicted, "measured": measured}
            for what, (predicted, measured) in checks.items()
        ],
    }
