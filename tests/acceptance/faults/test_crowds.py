"""More clients at once than is comfortable."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import resource
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.acceptance.faults.raw_websocket import CUT, RawWebSocket
from tests.harness.clients import WebSocketClient
from tests.harness.clients.http import http_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.faults.stage import Stage

CROWD = 3_000
ENDED, COME_BACK = 1000, 4412
#: So many of them were at the server that dies.
OF_THE_DEAD = 100
#: So many descriptors the server may open beyond those that it has.
SPARE = 20


def open_files(pid: int) -> int:
    """Return how many descriptors a process has."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


class Member:
    """One of a crowd, who comes back with the same cursor until it has the end."""

    def __init__(self, url: str, target: str) -> None:
        self.url = url
        self.target = target
        self.inside = asyncio.Event()
        self.tries = 0
        #: What the last connection has brought.
        self.raw = b""

    async def run(self) -> None:
        """Follow to the end; where the door is too crowded, as any client, try again."""
        code = CUT
        while code != ENDED:
            self.tries += 1
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                opened = await RawWebSocket.connect(self.url, self.target)
                self.inside.set()
                code, self.raw = await opened.read(), opened.raw
                opened.writer.transport.abort()
            assert code in {CUT, COME_BACK, ENDED}
            await asyncio.sleep(random.uniform(0.5, 1.5))


@pytest.mark.timeout(180)
async def test_a_crowd_that_comes_back_at_once_is_served(
    stage: Stage, outcome: Callable[[str], None]
) -> None:
    """3,000 clients, those of a dead server among them, knock at one at the same moment."""
    doomed = stage.start("crowded")
    task, gate = await stage.gated(lines=3)
    options: dict[str, Any] = {"token": task.token, "types": "status,log"}
    async with contextlib.AsyncExitStack() as stack:
        crowd = [WebSocketClient(doomed.url, task.task_id, **options) for _ in range(OF_THE_DEAD)]
        await asyncio.gather(*(stack.enter_async_context(client) for client in crowd))
        # They are inside when they have been told something, not when they are accepted.
        await asyncio.gather(*(client.next(30) for client in crowd))
        await stage.begin(gate, crowd)
        os.kill(doomed.process.pid, signal.SIGKILL)
        await asyncio.gather(*(client.collect(30) for client in crowd))
    cursors = [client.cursor for client in crowd]
    target = f"/ws/task_status/{task.task_id}/?token={task.token}&types=status,log&after="
    again = [Member(stage.urls[0], f"{target}{cursors[n % OF_THE_DEAD]}") for n in range(CROWD)]
    began = time.monotonic()
    async with asyncio.timeout(150), asyncio.TaskGroup() as group:
        for member in again:
            group.create_task(member.run())
        await asyncio.gather(*(member.inside.wait() for member in again))
        inside = time.monotonic() - began
        await asyncio.to_thread(stage.open, gate)
        opened = time.monotonic()
    told = time.monotonic() - opened
    for before, after in zip(crowd, again, strict=False):
        lines = [message["message"] for message in before.messages if message.type == "log"]
        lines += [line.decode() for line in re.findall(rb'"message":"(line \d+)"', after.raw)]
        assert lines == [f"line {number}" for number in range(4)]
    assert all(b'"state":"SUCCESS"' in client.raw for client in again)
    assert not any(b'"reset"' in client.raw for client in again)
    tries = sum(member.tries for member in again) - CROWD
    outcome(
        f"all inside after {inside:.1f} s, told the end within {told:.1f} s, {tries} came twice"
    )


async def test_a_server_without_descriptors_keeps_its_streams_and_recovers(stage: Stage) -> None:
    """Who is there stays and is served; once there is room, the others are, too."""
    server = stage.start("poor")
    pid = server.process.pid
    task, gate = await stage.gated(lines=3)
    async with WebSocketClient(server.url, task.task_id, token=task.token) as client:
        await stage.begin(gate, [client])
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
