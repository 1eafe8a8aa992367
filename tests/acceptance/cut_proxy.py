"""A proxy between the browser and the server whose connections can be cut at will."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

__all__ = ["CutProxy", "cut_proxy", "run_proxy"]

CHUNK_BYTES = 65536


class CutProxy:
    """Passes bytes to a port on loopback, on an event loop in a thread of its own."""

    def __init__(self, target: int, loop: asyncio.AbstractEventLoop) -> None:
        self.target = target
        self.port = 0
        self.accepted = 0
        self._news = threading.Condition()
        self._loop = loop
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> int:
        """Break all connections there are, without a word; return how many there were."""
        return asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(5)

    async def _cut(self) -> int:
        writers = list(self._writers)
        for writer in writers:
            writer.transport.abort()
        return len(writers) // 2

    def wait_for_accepted(self, number: int) -> None:
        """Return once so many connections have been accepted in all."""
        with self._news:
            assert self._news.wait_for(lambda: self.accepted >= number, 30), self.accepted

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client with the server, both ways, until either of them leaves."""
        with self._news:
            self.accepted += 1
            self._news.notify_all()
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, there_writer}
        self._writers |= ends
        try:
            await asyncio.gather(self.pump(reader, there_writer), self.pump(there_reader, writer))
        finally:
            self._writers -= ends

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on in one direction, to their end."""
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK_BYTES):
                writer.write(data)
                await writer.drain()
        writer.close()


Proxy = TypeVar("Proxy", bound=CutProxy)


@contextlib.contextmanager
def run_proxy(
    target: int, kind: Callable[[int, asyncio.AbstractEventLoop], Proxy]
) -> Iterator[Proxy]:
    """Run a proxy of a kind to the port, on another port of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    proxy = kind(target, loop)

    async def start() -> asyncio.Server:
        return await asyncio.start_server(proxy.accept, "127.0.0.1", 0)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        await proxy._cut()
        mine = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not mine]
        await asyncio.wait_for(asyncio.gather(*rest, return_exceptions=True), 5)

    try:
        server = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def cut_proxy(target: int) -> AbstractContextManager[CutProxy]:
    """Run a plain one."""
    return run_proxy(target, CutProxy)
