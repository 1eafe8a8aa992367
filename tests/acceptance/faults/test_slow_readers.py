"""Clients that read nothing cost a bounded amount, are let go, and can come back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import statistics
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect

from tests.acceptance.faults.viewers import Viewer
from tests.harness.clients import TRANSPORTS
from tests.harness.servers import start_uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.acceptance.faults.stage import Stage
    from tests.harness.enqueueing import Enqueued
    from tests.harness.servers import Server

#: For a minute's flood to a hundred clients: TASKSTATUS_TEST_FULL_SIZE=1.
FULL_SIZE = bool(os.environ.get("TASKSTATUS_TEST_FULL_SIZE"))
SLOW = 25 if FULL_SIZE else 10
LINES = 6_000 if FULL_SIZE else 600
BASELINE_LINES = 150
LINE_BEGINS = '{"type":"log"'
SIZE = 10_000
PAUSE = 0.01
MAX_GROWTH = 64 * 1024
#: Close frames with these codes, and the end of a chunked response.
CLOSED_4408 = b"\x88\x02\x11\x38"
CLOSED_1000 = b"\x88\x02\x03\xe8"
ENDED = b"\r\n0\r\n\r\n"
#: What a server with back-pressure may take to give up a client (``writer.STUCK_SECONDS``, twice:
#: for what was to be sent, and for the end).
GIVE_UP_SECONDS = 25


def rss(server: Server) -> int:
    """Return the server's resident memory in KiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def knock(server: Server, prefix: str, task: Enqueued) -> socket.socket:
    """Open a stream by hand and never read from it."""
    address = urlsplit(server.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((address.hostname, address.port))
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    target = f"/{prefix}/task_status/{task.task_id}/?token={task.token}&types=status,log"
    connection.sendall(
        f"GET {target} HTTP/1.1\r\n"
        f"Host: {address.netloc}\r\n{upgrade if prefix == 'ws' else ''}\r\n".encode()
    )
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Return everything that was sent, to the end of the stream, of the connection, or a lull."""
    connection.settimeout(2)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    data = bytearray()
    with contextlib.suppress(TimeoutError, ConnectionError), connection:
        while chunk := connection.recv(1 << 20):
            data += chunk
            if data.endswith((CLOSED_4408, CLOSED_1000, ENDED)):
                break
    return bytes(data)


def lines_in(data: bytes) -> list[int]:
    """Return the numbers of the lines that a raw stream holds whole."""
    return [int(number) for number in re.findall(rb'"message":"line (\d+) x+","at"', data)]


async def check_resumed(server: Server, task: Enqueued, data: bytes) -> None:
    """Assert that what was read has no hole, and that its last cursor brings the rest."""
    read = lines_in(data)
    # Of the last line that came whole, else of the status before them.
    cursors = re.findall(rb'"cursor":"(\d+)"', data[: max(0, data.rfind(b'"at":'))])
    cursors = cursors or re.findall(rb'"cursor":"(\d+)"', data)[:1]
    client = TRANSPORTS["sse"](
        server.url,
        task.task_id,
        token=task.token,
        types="status,log",
        after=cursors[-1].decode() if cursors else None,
    )
    async with client:
        rest = [m for m in await client.collect() if m.type == "log"]
    read += [int(message["message"].split()[1]) for message in rest]
    if FULL_SIZE:
        return  # more than is kept
    assert read == list(range(LINES)), (len(read), read[:3], read[-3:])


class Listener:
    """A client that does next to nothing but keep up, and notes how late each line is."""

    def __init__(self, server: Server, task: Enqueued) -> None:
        target = f"/ws/task_status/{task.task_id}/?token={task.token}&types=status,log"
        self.url = server.url.replace("http", "ws", 1) + target
        self.first = asyncio.Event()
        #: In seconds, by the clock that the writer of the lines has, too.
        self.delays: list[float] = []

    async def run(self) -> None:
        """Listen to the end; who is let go as too slow raises."""
        async with connect(self.url) as connection:
            async for text in connection:
                now = datetime.now(UTC)
                self.first.set()
                if isinstance(text, str) and text.startswith(LINE_BEGINS):
                    written = datetime.fromisoformat(text[-29:-2])
                    self.delays.append((now - written).total_seconds())


@contextlib.asynccontextmanager
async def audience(
    servers: Sequence[Server], task: Enqueued
) -> AsyncIterator[tuple[list[Listener], list[Viewer]]]:
    """Follow the task in good order at each server; on leaving, all must have come to the end.

    Viewers check every message; a minute of it at full size would make themselves slow.
    """
    crowd = [Listener(server, task) for server in servers]
    kinds = () if FULL_SIZE else ("websocket", "sse")
    good = [Viewer(kind, [server.url], task) for server in servers for kind in kinds]
    async with asyncio.timeout(300), asyncio.TaskGroup() as group:
        everybody: list[Listener | Viewer] = [*crowd, *good]
        for client in everybody:
            group.create_task(client.run())
        await asyncio.gather(*(client.first.wait() for client in everybody))
        yield crowd, good


def late(crowd: Sequence[Listener]) -> float:
    """Return how late the latest hundredth of the lines came."""
    return statistics.quantiles([d for listener in crowd for d in listener.delays], n=100)[-1]


async def baseline(stage: Stage, servers: Sequence[Server]) -> float:
    """Return how late lines come while nobody is slow."""
    gate = uuid.uuid4().hex
    task = await stage.enqueue("faults.flood", gate, BASELINE_LINES, SIZE, PAUSE)
    async with audience(servers, task) as (crowd, _):
        await asyncio.to_thread(stage.open, gate)
    return late(crowd)


@pytest.mark.traps  # Daphne's send() never waits
@pytest.mark.timeout(400)
async def test_clients_that_read_nothing_cost_little_and_can_come_back(
    stage: Stage, outcome: Callable[[str], None]
) -> None:
    """Memory is bounded on both servers, good clients miss nothing, bad ones are let go."""
    servers = [
        stage.start("slow-daphne"),
        stage.start("slow-uvicorn", start_uvicorn),
    ]
    usual = await baseline(stage, servers)
    gate = uuid.uuid4().hex
    task = await stage.enqueue("faults.flood", gate, LINES, SIZE, PAUSE)
    async with audience(servers, task) as (crowd, good):
        before = [rss(server) for server in servers]
        slow = {
            (server.url, prefix, number): knock(server, prefix, task)
            for server in servers
            for prefix in ("ws", "sse")
            for number in range(SLOW)
        }
        await asyncio.sleep(1)
        await asyncio.to_thread(stage.open, gate)
    growth = [rss(server) - start for server, start in zip(servers, before, strict=True)]
    for viewer in good:
        viewer.check_lines(LINES)
        assert len(viewer.ends) == 1
        assert viewer.states[-1] == "SUCCESS"
    assert max(growth) < MAX_GROWTH
    assert all(len(listener.delays) == LINES for listener in crowd)
    harmed = late(crowd)
    # On a machine that others use, too, a hundredth of the lines may wait for a turn.
    assert harmed < 2 * usual + 0.25
    outcome(
        f"{2 * SLOW} slow clients a server, {LINES} lines of {SIZE // 1_000} KB: "
        f"{growth[0] / 1_024:.0f} MiB more (Daphne), {growth[1] / 1_024:.0f} MiB (uvicorn); "
        f"p99 of the others {1_000 * harmed:.0f} ms, {1_000 * usual:.0f} ms without"
    )
    stage.check_pages()
    mute = {key: slow.pop(key) for key in list(slow) if key[2] == 0}
    at_last = await asyncio.gather(*(asyncio.to_thread(read_all, item) for item in slow.values()))
    for (_, prefix, number), data in zip(slow, at_last, strict=True):
        # Who begins to read in time, half a minute at most, is told why, or has it all.
        told = data.endswith((CLOSED_4408, CLOSED_1000) if prefix == "ws" else ENDED)
        assert told or FULL_SIZE, data[-80:]
        if number == 1:
            await check_resumed(servers[0], task, data)
    # Of a server with back-pressure the one who never reads is let go as well.
    servers[1].process.wait_for_log("without completing response", timeout=GIVE_UP_SECONDS)
    for connection in mute.values():
        data = await asyncio.to_thread(read_all, connection)
        await check_resumed(servers[1], task, data)
