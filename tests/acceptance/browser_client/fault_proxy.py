"""A proxy before a server that refuses or swallows what a transport carries, and counts."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["STREAMS", "Fault", "FaultProxy", "fault_proxy"]

#: Refuse the request; answer it with 410; pass the head of the answer, and swallow what else comes
#: from now on.
Fault = Literal["refuse", "gone", "mute"]
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
STREAMS = ("ws", "sse", "poll")
CHUNK_BYTES = 65_536
_CONNECTION = re.compile(rb"\r\nConnection:[^\r]*", re.IGNORECASE)


class FaultProxy:
    """Runs on an event loop in a thread of its own; each request has its own connection."""

    def __init__(self, target: int, loop: asyncio.AbstractEventLoop) -> None:
        #: The port of the server; may be changed at any time.
        self.target = target
        self.port = 0
        #: What is done to a transport: ``ws``, ``sse``, ``poll``.
        self.faults: dict[str, Fault] = {}
        #: How many requests each has made, refused ones included.
        self.requests: Counter[str] = Counter()
        #: The most that were open at once, of all transports together.
        self.most = 0
        #: The longest request line, in bytes.
        self.longest = 0
        self._loop = loop
        self._open: dict[asyncio.StreamWriter, str] = {}

    @property
    def url(self) -> str:
        """The URL that browsers use."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def streams(self) -> int:
        """How many requests are open now, of all transports together."""
        return sum(kind in STREAMS for kind in list(self._open.values()))

    def cut(self) -> None:
        """Break all connections, without a word."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(5)

    async def _cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            name = head.split(b"/", 2)[1].split(b" ")[0].decode("ascii", "replace")
            self.requests[name] += 1
            self._open[writer] = name
            self.most = max(self.most, self.streams)
            self.longest = max(self.longest, head.index(b"\r\n"))
            fault = self.faults.get(name)
            if fault == "gone":
                writer.write(GONE)
                await writer.drain()
                await reader.read()
            elif fault != "refuse":
                await self._pass(name, head, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # Python 3.11 logs it when a connection is cancelled
        finally:
            self._open.pop(writer, None)
            writer.transport.abort()

    async def _pass(
        self, name: str, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            if name != "ws":
                head = _CONNECTION.sub(b"", head, count=1)[:-4] + b"\r\nConnection: close\r\n\r\n"
            there_writer.write(head)
            upwards = asyncio.create_task(_copy(reader, there_writer))
            writer.write(await there_reader.readuntil(b"\r\n\r\n"))
            downwards = asyncio.create_task(self._answer(name, there_reader, writer))
            done, rest = await asyncio.wait(
                {upwards, downwards}, return_when=asyncio.FIRST_COMPLETED
            )
            for task in rest:
                task.cancel()
            await asyncio.gather(*done, *rest, return_exceptions=True)
            with contextlib.suppress(OSError):
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        finally:
            there_writer.transport.abort()

    async def _answer(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if name not in self.faults:
                writer.write(chunk)
                await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()


@contextlib.contextmanager
def fault_proxy(target: int) -> Iterator[FaultProxy]:
    """Run a proxy before a port on loopback."""
    loop = asyncio.new_event_loop()
    # In a thread of its own: Playwright's loop runs in this one.
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    proxy = FaultProxy(target, loop)
    start = asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(start, loop).result(5)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_end(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # transports close in the next turn
