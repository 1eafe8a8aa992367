"""More clients at once than is comfortable."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.harness.clients import WebSocketClient
from tests.harness.clients.http import http_client

if TYPE_CHECKING:
    from tests.acceptance.faults.stage import Stage

CROWD = 300
#: So many descriptors the server may open beyond those that it has.
SPARE = 20


def open_files(pid: int) -> int:
    """Return how many descriptors a process has."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_a_crowd_that_comes_back_at_once_is_served(stage: Stage) -> None:
    """All clients of a dead server knock at another at the same moment, and none is lost."""
    doomed = stage.start("crowded")
    task, gate = await stage.gated(lines=3)
    options: dict[str, Any] = {"token": task.token, "types": "status,log"}
    async with contextlib.AsyncExitStack() as stack:
        crowd = [WebSocketClient(doomed.url, task.task_id, **options) for _ in range(CROWD)]
        await asyncio.gather(*(stack.enter_async_context(client) for client in crowd))
        await asyncio.gather(*(client.next(30) for client in crowd))
        os.kill(doomed.process.pid, signal.SIGKILL)
        await asyncio.gather(*(client.collect(30) for client in crowd))
        again = [
            WebSocketClient(stage.urls[0], task.task_id, after=client.cursor, **options)
            for client in crowd
        ]
        await asyncio.gather(*(stack.enter_async_context(client) for client in again))
        await asyncio.to_thread(stage.open, gate)
        await asyncio.gather(*(client.collect(30) for client in again))
    for before, after in zip(crowd, again, strict=True):
        messages = [*before.messages, *after.messages]
        lines = [message["message"] for message in messages if message.type == "log"]
        assert lines == [f"line {number}" for number in range(4)]
        assert messages[-1].state == "SUCCESS"
        assert not any(message.reset for message in messages)


async def test_a_server_without_descriptors_keeps_its_streams_and_recovers(stage: Stage) -> None:
    """Who is there stays and is served; once there is room, the others are, too."""
    server = stage.start("poor")
    pid = server.process.pid
    task, gate = await stage.gated(lines=3)
    async with WebSocketClient(server.url, task.task_id, token=task.token) as client:
        await client.until("PROGRESS", 20)
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        few = open_files(pid) + SPARE
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, hard))
        address = urlsplit(server.url)
        knocks = [
            await asyncio.open_connection(address.hostname, address.port) for _ in range(3 * SPARE)
        ]
        await asyncio.to_thread(stage.open, gate)
        assert (await client.collect(15))[-1].state == "SUCCESS"
    for _, writer in knocks:
        writer.close()
    async with asyncio.timeout(15), http_client(server.url, timeout=10) as pages:
        assert (await pages.get("/healthy/")).status_code == 200
    async with WebSocketClient(server.url, task.task_id, token=task.token) as client:
        assert (await client.next()).state == "SUCCESS"
