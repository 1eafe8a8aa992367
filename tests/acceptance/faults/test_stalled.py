"""A worker that shows no sign of life."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from typing import TYPE_CHECKING

from tests.harness.clients import TRANSPORTS
from tests.harness.enqueueing import enqueue
from tests.harness.redis import open_gate
from tests.harness.servers import start_daphne

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.clients import Client, Message
    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes
    from tests.harness.worker import Worker

STALLED_AFTER_SECONDS = 6
RECONCILE_SECONDS = 1


async def stalled(client: Client, value: bool) -> Message:
    """Return the first message from now on that says so."""
    async with asyncio.timeout(STALLED_AFTER_SECONDS + RECONCILE_SECONDS + 5):
        while (message := await client.next(30))["stalled"] is not value:
            pass
        return message


async def test_a_task_of_a_silent_worker_is_stalled_until_the_worker_goes_on(
    processes: Processes,
    environment_of: Callable[[Layer], Environment],
    start_worker: Callable[..., Worker],
    redis_url: str,
) -> None:
    """A stopped worker's silent task is called stalled on every transport, and then no more."""
    environment = environment_of("pubsub").with_settings(
        STALLED_AFTER_SECONDS=STALLED_AFTER_SECONDS, RECONCILE_SECONDS=RECONCILE_SECONDS
    )
    server = start_daphne(processes, environment, name="watching")
    worker = start_worker(environment, name="silent", concurrency=1, arguments=["--queues=silent"])
    gate = uuid.uuid4().hex
    task = await enqueue(server.url, "tests.wait", gate, queue="silent")
    clients = [client(server.url, task.task_id, token=task.token) for client in TRANSPORTS.values()]
    await asyncio.gather(*(client.__aenter__() for client in clients))
    await asyncio.gather(*(client.until("STARTED", 20) for client in clients))
    os.kill(worker.process.pid, signal.SIGSTOP)
    try:
        seen = await asyncio.gather(*(stalled(client, True) for client in clients))
        assert {message.state for message in seen} == {"STARTED"}
    finally:
        os.kill(worker.process.pid, signal.SIGCONT)
    await asyncio.gather(*(stalled(client, False) for client in clients))
    open_gate(redis_url, gate)
    for client in clients:
        assert (await client.collect())[-1].state == "SUCCESS"
        await client.__aexit__(None, None, None)
