"""A network between two processes: slow, lossy, cut, or dark."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.acceptance.cut_proxy import CutProxy, run_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Link", "link_to"]

#: As much as goes through at once; what is in flight is bounded as a real link's is.
SEGMENT_BYTES = 1_460
IN_FLIGHT = 64
#: What TCP takes to send a lost segment again.
RESEND_SECONDS = (0.2, 0.6)
#: On close, a reset and not an orderly end.
RESET = struct.pack("ii", 1, 0)


class Link(CutProxy):
    """Bytes arrive in order, if they arrive. Change its attributes while it runs, from anywhere."""

    def __init__(self, target: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(target, loop)
        #: Seconds that a byte takes, one way.
        self.delay = 0.0
        #: Bytes per second of each connection, each way; 0 for no limit.
        self.rate = 0
        #: The share of segments that have to be sent again.
        self.loss = 0.0
        self._random = random.Random(20261122)
        self._light = asyncio.Event()
        self._light.set()

    def go_dark(self) -> None:
        """Let nothing through from now on, not even that somebody has left."""
        self._loop.call_soon_threadsafe(self._light.clear)

    def heal(self) -> None:
        """Let everything through, as fast as it comes."""
        self.delay, self.rate, self.loss = 0.0, 0, 0.0
        self._loop.call_soon_threadsafe(self._light.set)

    def reset(self) -> None:
        """Reset all connections."""
        for writer in list(self._writers):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, RESET
                )
        self.cut()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on in one direction, each in its time."""
        flight: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._depart(reader, flight))
            group.create_task(self._arrive(flight, writer))

    async def _depart(
        self, reader: asyncio.StreamReader, flight: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        data = b"-"
        while data:
            try:
                data = await reader.read(SEGMENT_BYTES)
            except ConnectionError:
                data = b""
            await flight.put((self._loop.time() + self.delay, data))

    async def _arrive(
        self, flight: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        data = b"-"
        while data:
            due, data = await flight.get()
            await asyncio.sleep(due - self._loop.time())
            if self.rate:
                await asyncio.sleep(len(data) / self.rate)
            if self._random.random() < self.loss:
                await asyncio.sleep(self._random.uniform(*RESEND_SECONDS))
            await self._light.wait()
            with contextlib.suppress(ConnectionError):
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.contextmanager
def link_to(url: str) -> Iterator[tuple[Link, str]]:
    """Run a link to the server at a URL; yield it, and the URL of its near end."""
    parts = urlsplit(url)
    assert parts.port is not None
    with run_proxy(parts.port, Link) as link:
        near = parts.netloc.removesuffix(str(parts.port)) + str(link.port)
        try:
            yield link, parts._replace(netloc=near).geturl()
        finally:
            link.heal()
