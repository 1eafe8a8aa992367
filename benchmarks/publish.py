"""What it costs a worker to tell a task's progress, whoever watches."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
PAUSE_SECONDS = 0.005


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
    results = _measure(contenders, client, viewers=0, calls=CALLS)
    client.close()
    return results


def run_with_viewers(
    subjects: Sequence[Subject], redis_url: str, *, viewers: Sequence[int], calls: int = 40
) -> list[Publishing]:
    """Return the cost of one publish for each number of viewers of the task."""
    client = Redis.from_url(redis_url)
    [task] = new_ids(1)
    results: list[Publishing] = []
    for number in viewers:
        contenders: dict[str, Callable[[int], None]] = {}
        loads = []
        for subject in subjects:
            path = subject.source.begin(f"{task}-{subject.name}")
            load = Load()
            loads.append(load)
            server = subject.server
            load.connect(transport=subject.transport, port=server.port, paths=[path] * number)
            contenders[subject.name] = _teller(subject, f"{task}-{subject.name}")
        results += _measure(contenders, client, viewers=number, calls=calls)
        for load in loads:
            load.end()
    client.close()
    return results


def _teller(subject: Subject, task: str) -> Callable[[int], None]:
    """Return what publishes, with a pause after each so that the servers keep up."""
    numbers = itertools.count(1)

    def tell(times: int) -> None:
        for number in itertools.islice(numbers, times):
            subject.source.tell(task, make_mark(number))
            time.sleep(PAUSE_SECONDS)

    return tell


def _measure(
    contenders: Mapping[str, Callable[[int], None]], client: Redis, *, viewers: int, calls: int
) -> list[Publishing]:
    times = measure(contenders, calls=calls)
    results = []
    for name, contender in contenders.items():
        before = _opened(client)
        contender(calls)
        opened = (_opened(client) - before) / calls
        results.append(
            Publishing(subject=name, viewers=viewers, cpu=times[name], connections=opened)
        )
    return results


def _opened(client: Redis) -> int:
    """Return how many connections Redis has accepted so far."""
    return int(client.info("stats")["total_connections_received"])
