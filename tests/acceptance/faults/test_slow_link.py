"""Networks that are slow, lose bytes, and break: to the store, and to the clients."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from taskstatus.stores.redis import RedisStore
from tests.acceptance.faults.link import Link, link_to
from tests.acceptance.faults.stage import TASKS, environment_on
from tests.acceptance.faults.viewers import viewers
from tests.harness.enqueueing import Enqueued, enqueue
from tests.harness.servers import start_daphne
from tests.harness.site import Site
from tests.harness.steps import log, pending, started, success
from tests.harness.worker import start_worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tests.acceptance.faults.stage import Stage
    from tests.harness.processes import Processes
    from tests.harness.servers import Server
    from tests.harness.worker import Worker

LINES = 40
PAUSE = 0.05
LINES_EACH = 6
#: One way. A whole exchange takes twice as long.
DELAY_SECONDS = 0.06
BYTES_PER_SECOND = 60_000


@dataclass(frozen=True, slots=True)
class Far:
    """A server and a worker that are a long way from the store."""

    link: Link
    server: Server
    worker: Worker


@pytest.fixture(scope="module")
def far(running_stage: Stage, processes: Processes, database: Path) -> Iterator[Far]:
    """Yield both, at the other end of one link."""
    # A process does not outlive the thread that has started it.
    with link_to(running_stage.mortal.url) as (link, url), ThreadPoolExecutor() as pool:
        environment = environment_on(url, running_stage.broker_url, database, queue="far")
        server = pool.submit(start_daphne, processes, environment, name="far")
        worker = pool.submit(
            start_worker, processes, environment, name="far", include=[TASKS], concurrency=1
        )
        found = Far(link, server.result(), worker.result())
        found.server.process.tracebacks_expected = True
        yield found
        link.heal()
        list(pool.map(lambda one: one.process.stop(), (found.server, found.worker)))


@contextlib.asynccontextmanager
async def resets(*links: Link, every: float) -> AsyncIterator[None]:
    """Reset all connections of the links again and again."""

    async def go_on() -> None:
        while True:
            await asyncio.sleep(every)
            for link in links:
                await asyncio.to_thread(link.reset)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()


async def test_a_bad_network_loses_nothing(
    stage: Stage, far: Far, outcome: Callable[[str], None]
) -> None:
    """Store and clients behind 120 ms, 60 kB/s, 3 % loss, a reset every 1.5 s; then all is well."""
    gate = uuid.uuid4().hex
    with link_to(far.server.url) as (near, url):
        task = await enqueue(
            stage.urls[0], "faults.gated", gate, LINES, PAUSE, queue=far.worker.queue
        )
        async with viewers([url, stage.urls[1]], task) as crowd:
            for link in (far.link, near):
                link.delay, link.rate, link.loss = DELAY_SECONDS, BYTES_PER_SECOND, 0.03
            async with resets(far.link, near, every=1.5):
                await stage.begin(gate, crowd, 40)
                await asyncio.sleep(3)
            for link in (far.link, near):
                link.heal()
            began = time.monotonic()
            await asyncio.to_thread(stage.open, gate)
    connections = sum(len(viewer.ends) for viewer in crowd)
    figure = stage.check(crowd, lines=LINES + 1, back=began)
    outcome(f"{figure}, over {connections} connections")


async def test_the_start_of_a_killed_process_is_told(
    stage: Stage, far: Far, outcome: Callable[[str], None]
) -> None:
    """Over a slow network, too, it is recorded before the body begins."""
    far.link.delay = DELAY_SECONDS
    # From the first one the process learns that the store is slow.
    for name, *arguments in (("faults.busy", 20, 5, 0.5), ("faults.die",)):
        task = await enqueue(stage.urls[0], name, *arguments, queue=far.worker.queue)
        async with viewers(stage.urls, task):
            pass
    far.link.heal()
    store = RedisStore(stage.mortal.url)
    reading = store.read(task.task_id, 0)
    store.close()
    assert reading is not None
    states = [message.state for message in reading.messages]
    assert states == ["PENDING", "RECEIVED", "STARTED", "FAILURE"]
    outcome(", ".join(states))


async def test_publishers_that_overtake_each_other_leave_no_hole(
    stage: Stage, far: Far, outcome: Callable[[str], None]
) -> None:
    """Two processes write to one task, one of them a quarter of a second later than it thinks."""
    site = Site(layer="pubsub", servers=(stage.servers[0],))
    task = await site.task(pending(), started())
    known = Enqueued(task_id=task.id, token=task.token)
    far.link.delay = 0.12

    async def write(server: Server, name: str) -> None:
        for number in range(LINES_EACH):
            await task.play(log(f"{name} {number}"), server=server)

    async with viewers([*stage.urls, far.server.url], known) as crowd:
        await asyncio.gather(
            write(far.server, "far"), write(stage.servers[0], "near"), write(stage.servers[1], "by")
        )
        await task.play(success())
    far.link.heal()
    orders = []
    for viewer in crowd:
        assert viewer.states[-1] == "SUCCESS"
        assert not any(message.reset for message in viewer.messages)
        lines = [message["message"] for message in viewer.messages if message.type == "log"]
        for name in ("far", "near", "by"):
            own = [line for line in lines if line.startswith(name)]
            assert own == [f"{name} {number}" for number in range(LINES_EACH)]
        orders.append(tuple(lines))
    # Everybody has been told the same story.
    assert len(set(orders)) == 1
    outcome(f"{len(crowd)} clients saw {3 * LINES_EACH} lines of 3 processes in one order")


async def test_a_layer_that_delivers_nothing_is_made_up_for(
    stage: Stage, processes: Processes, outcome: Callable[[str], None]
) -> None:
    """100 % of the group's messages are lost: whoever publishes is on another channel layer."""
    environment = replace(stage.environment, layer_prefix="nobody-listens")
    mute = start_daphne(processes, environment, name="mute")
    task = await Site(layer="pubsub", servers=(mute,)).task(pending(), started())
    known = Enqueued(task_id=task.id, token=task.token)
    async with viewers(stage.urls, known) as crowd:
        for number in range(30):
            await task.play(log(f"line {number}"))
        await task.play(success())
        began = time.monotonic()
    outcome(stage.check(crowd, lines=30, back=began))
    mute.process.stop()
