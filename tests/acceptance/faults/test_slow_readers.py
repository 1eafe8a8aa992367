"""Clients that read nothing cost a bounded amount, are let go, and can come back."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import uuid
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.acceptance.faults.viewers import Viewer
from tests.harness.clients import TRANSPORTS
from tests.harness.servers import start_uvicorn

if TYPE_CHECKING:
    from tests.acceptance.faults.stage import Stage
    from tests.harness.enqueueing import Enqueued
    from tests.harness.servers import Server

SLOW = 10
LINES = 600
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
    assert read == list(range(LINES)), (len(read), read[:3], read[-3:])


@pytest.mark.timeout(150)
async def test_clients_that_read_nothing_cost_little_and_can_come_back(stage: Stage) -> None:
    """Memory is bounded on both servers, good clients miss nothing, bad ones are let go."""
    servers = [
        stage.start("slow-daphne"),
        stage.start("slow-uvicorn", start_uvicorn),
    ]
    gate = uuid.uuid4().hex
    task = await stage.enqueue("faults.flood", gate, LINES, SIZE, PAUSE)
    good = [Viewer(kind, [s.url], task) for s in servers for kind in ("websocket", "sse")]
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for viewer in good:
            group.create_task(viewer.run())
        await asyncio.gather(*(viewer.until("STARTED") for viewer in good))
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
    stage.check_pages()
    mute = {key: slow.pop(key) for key in list(slow) if key[2] == 0}
    late = await asyncio.gather(*(asyncio.to_thread(read_all, item) for item in slow.values()))
    for (_, prefix, number), data in zip(slow, late, strict=True):
        # Who begins to read in time is told why, or has it all.
        assert data.endswith((CLOSED_4408, CLOSED_1000) if prefix == "ws" else ENDED), data[-80:]
        if number == 1:
            await check_resumed(servers[0], task, data)
    # Of a server with back-pressure the one who never reads is let go as well.
    servers[1].process.wait_for_log("without completing response", timeout=GIVE_UP_SECONDS)
    for connection in mute.values():
        data = await asyncio.to_thread(read_all, connection)
        await check_resumed(servers[1], task, data)
