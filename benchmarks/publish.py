"""What it costs a worker to tell a task's progress, whoever watches."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.test.utils import override_settings
from redis import Redis

from benchmarks.load import Load
from benchmarks.marks import make_mark
from benchmarks.measure import measure
from benchmarks.sources import example, new_ids
from benchmarks.subjects import Subject
from taskstatus import changes
from taskstatus.meter import progress_of
from taskstatus.publisher import publish
from taskstatus.testing import TaskDriver

__all__ = ["BARE", "Publishing", "run", "run_with_viewers"]

BARE = "bare XADD + PUBLISH pipeline"
CALLS = 300
#: A publish costs more after a pause, so there is one with viewers and without.
PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """The cost of one publish."""

    subject: str
    viewers: int
    #: µs of CPU in the process that publishes.
    cpu: float
    #: Connections to Redis that were opened for it.
    connections: float


def run(redis_url: str) -> list[Publishing]:
    """Return the cost of a bare pipeline, taskstatus on two layers, the tutorial's helper."""
    driver = TaskDriver()
    driver.pending()
    driver.started()
    client = Redis.from_url(redis_url)
    payload = example().encode()

    def bare(times: int) -> None:
        for _ in range(times):
            pipeline = client.pipeline(transaction=False)
            pipeline.xadd("bare", {"d": payload}, maxlen=1_000)
            pipeline.publish("bare", payload)
            pipeline.execute()

    def ours(times: int) -> None:
        for number in range(times):
            publish(changes.progressed(driver.run, progress_of(number, times, "counting")))

    def on_any_layer(times: int) -> None:
        with override_settings(TASKSTATUS_STORE_URL=redis_url.replace("127.0.0.1", "localhost")):
            ours(times)

    def tutorial(times: int) -> None:
        # A new event loop and a new connection each time, as the tutorial's helper does it.
        layer = get_channel_layer()
        event = {"type": "update", "data": json.loads(payload)}
        for _ in range(times):
            async_to_sync(layer.group_send)("tutorial", event)

    contenders = {
        BARE: bare,
        "taskstatus, pub/sub layer": ours,
        "taskstatus, any layer": on_any_layer,
        "the tutorial's notify_channel_layer": tutorial,
    }
    results = _measure(contenders, client, calls=CALLS)
    client.close()
    return results


def run_with_viewers(
    subjects: Sequence[Subject], redis_url: str, *, viewers: Sequence[int], calls: int = 40
) -> list[Publishing]:
    """Return the cost of one publish for each number of viewers of the task.

    Each waits until all viewers have the one before, so that no busy server is what is measured.
    """
    results: list[Publishing] = []
    with Redis.from_url(redis_url) as client, contextlib.ExitStack() as stack:
        for subject in subjects:
            for number in viewers:
                [task] = new_ids(1)
                load = stack.enter_context(Load())
                paths = [subject.source.begin(task)] * number
                load.connect(transport=subject.transport, port=subject.server.port, paths=paths)
                load.begin()
                opened = _opened(client)
                costs = [_tell(subject, task, number, load, call) for call in range(1, calls + 1)]
                results.append(
                    Publishing(
                        subject=subject.name,
                        viewers=number,
                        cpu=median(costs),
                        connections=(_opened(client) - opened) / calls,
                    )
                )
    return results


def _tell(subject: Subject, task: str, viewers: int, load: Load, call: int) -> float:
    began = time.process_time_ns()
    subject.source.tell(task, make_mark(call))
    cost = (time.process_time_ns() - began) / 1_000
    load.wait(call * viewers)
    time.sleep(PAUSE_SECONDS)
    return cost


def _measure(
    contenders: Mapping[str, Callable[[int], None]], client: Redis, *, calls: int
) -> list[Publishing]:
    times = measure(contenders, calls=calls)
    results = []
    for name, contender in contenders.items():
        before = _opened(client)
        contender(calls)
        opened = (_opened(client) - before) / calls
        results.append(Publishing(subject=name, viewers=0, cpu=times[name], connections=opened))
    return results


def _opened(client: Redis) -> int:
    """Return how many connections Redis has accepted so far."""
    return int(client.info("stats")["total_connections_received"])
