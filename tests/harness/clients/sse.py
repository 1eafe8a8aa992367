"""Reads a task's stream as Server-Sent Events."""

from __future__ import annotations

import asyncio
import contextlib
from typing import ClassVar

import httpx

from tests.harness.clients.base import Client, End, Ended, ProtocolViolation, StreamEnded
from tests.harness.clients.event_stream import Event, EventStreamParser
from tests.harness.clients.http import ended_by, header_bytes, http_client
from tests.harness.clients.message import Message

__all__ = ["SseClient"]


class SseClient(Client):
    """A client that behaves as a browser's EventSource at the end: it reconnects.

    Only ``204`` makes an EventSource stop, so ``End.TERMINAL`` means that the server gave it.
    A stream that ends without a terminal message is ``End.CUT``; the test decides what then.
    """

    transport: ClassVar[str] = "sse"
    prefix: ClassVar[str] = "sse"

    async def _open(self) -> None:
        self.parser = EventStreamParser()
        #: The headers of the stream's response.
        self.response_headers: dict[str, str] = {}
        self._http = http_client(self.base_url)
        # A generator that is cancelled in the middle is closed for good: hence a task of its own.
        self._queue: asyncio.Queue[Message | Ended | Exception] = asyncio.Queue()
        self._reader = asyncio.create_task(self._pump())

    async def _read(self) -> Message:
        item = await self._queue.get()
        if isinstance(item, Ended):
            raise StreamEnded(item)
        if isinstance(item, Exception):
            raise item
        return item

    async def _close(self) -> None:
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        await self._http.aclose()

    async def _pump(self) -> None:
        try:
            ended = await self._stream()
        except Exception as error:  # noqa: BLE001 - handed to whoever reads
            self._queue.put_nowait(error)
        else:
            self._queue.put_nowait(ended)

    async def _stream(self) -> Ended:
        """Read to the end of the response, then see how the server takes a reconnect."""
        finished = False
        headers = header_bytes(self.headers)
        async with self._http.stream("GET", self.path, headers=headers) as response:
            if response.status_code != 200:
                await response.aread()
                return ended_by(response)
            self.response_headers = dict(response.headers)
            try:
                async for chunk in response.aiter_raw():
                    for event in self.parser.feed(chunk):
                        message = self._message_of(event)
                        finished = self._finishes(message) or finished
                        self._queue.put_nowait(message)
            except httpx.RemoteProtocolError:
                # Cut within the response, not ended by the server: no status says so.
                return Ended(reason=End.CUT, code=0, headers=self.response_headers)
        only_logs = self.types is not None and "status" not in self.types
        if finished or only_logs:
            return await self._reconnect()
        return Ended(reason=End.CUT, code=200, headers=self.response_headers)

    def _message_of(self, event: Event) -> Message:
        return message_of(event)

    def _finishes(self, message: Message) -> bool:
        return message.ready

    async def _reconnect(self) -> Ended:
        headers = header_bytes(self.headers)
        if self.parser.last_event_id:
            headers[b"Last-Event-ID"] = self.parser.last_event_id.encode()
        async with self._http.stream("GET", self.path, headers=headers) as response:
            if response.status_code == 200:
                return Ended(reason=End.CUT, code=200, headers=dict(response.headers))
            await response.aread()
            return ended_by(response)


def message_of(event: Event) -> Message:
    """Return the message that an event carries, whose fields must agree with it."""
    message = Message.from_json(event.data)
    if event.type != message.type:
        raise ProtocolViolation(f"event {event.type!r} carries a {message.type!r}")
    placed = message.version is not None
    if event.has_id != placed or (placed and event.last_event_id != message.cursor):
        raise ProtocolViolation(f"id {event.last_event_id!r} carries {message.raw!r}")
    return message
