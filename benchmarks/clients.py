"""One connection of a crowd, on each transport: as little work per message as Python allows."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, cast

from benchmarks.marks import MARK, Tally
from benchmarks.wire import websocket
from benchmarks.wire.events import EventParser
from benchmarks.wire.http import END, Head, ResponseParser, get

if TYPE_CHECKING:
    from benchmarks.crowd import Crowd

__all__ = ["CLIENTS", "Client"]

_CURSOR = re.compile(rb'"cursor":"([^"]*)","ready"')


class Client(asyncio.Protocol):
    """Is up with the first message, which is the snapshot, and counts the marks in all others."""

    def __init__(self, crowd: Crowd, host: str, path: str) -> None:
        self.crowd = crowd
        self.host = host
        self.path = path
        self.tally = Tally()
        self.up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport
        #: The server's last words, if it ended the connection.
        self.said = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        # uvloop's transports are asyncio's by their methods only.
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self.opening())

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits, and the crowd."""
        if not self.up.done():
            self.up.set_exception(ConnectionError(f"closed before it was up: {self.said!r}"))
        self.crowd.left(self)

    def opening(self) -> bytes:
        """Return what the client says first."""
        raise NotImplementedError

    def take(self, message: bytes) -> None:
        """Take one message."""
        if not self.up.done():
            self.up.set_result(None)
            return
        crowd = self.crowd
        for number, sent in MARK.findall(message):
            self.tally.add(int(number))
            crowd.delays.append(time.monotonic_ns() - int(sent))
        if len(crowd.delays) >= crowd.goal:
            crowd.reached()


class WebSocketClient(Client):
    """A plain WebSocket."""

    _head: bytes | None = b""

    def opening(self) -> bytes:
        """Return the handshake."""
        self._frames = websocket.FrameParser()
        return websocket.handshake(self.host, self.path)

    def data_received(self, data: bytes) -> None:
        """Take the answer to the handshake, then frames."""
        if self._head is not None:
            head, end, data = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                self._head = head
                return
            if b" 101 " not in head[:16]:
                self.said = head[:80]
                self.transport.abort()
                return
            self._head = None
        for opcode, payload in self._frames.feed(data):
            if opcode == websocket.PING:
                self.transport.write(websocket.frame(websocket.PONG, payload))
            elif opcode == websocket.CLOSE:
                self.said = b"close %d" % int.from_bytes(payload[:2])
                self.transport.close()
            else:
                self.message(payload)

    def message(self, payload: bytes) -> None:
        """Take the payload of a text frame."""
        self.take(payload)


class SocketIoClient(WebSocketClient):
    """Socket.IO 4 on a WebSocket: Engine.IO protocol 4, Socket.IO protocol 5."""

    def message(self, payload: bytes) -> None:
        """Take an Engine.IO packet: open, ping, or a Socket.IO packet in a message."""
        if payload.startswith(b"42"):
            self.take(payload)
        elif payload == b"2":
            self.transport.write(websocket.frame(websocket.TEXT, b"3"))
        elif payload.startswith(b"0"):
            self.transport.write(websocket.frame(websocket.TEXT, b"40"))


class SseClient(Client):
    """An EventSource that does not come back."""

    def opening(self) -> bytes:
        """Return the request."""
        self._responses = ResponseParser()
        self._events = EventParser()
        return get(self.host, self.path, "Accept: text/event-stream\r\n")

    def data_received(self, data: bytes) -> None:
        """Take events."""
        for item in self._responses.feed(data):
            if isinstance(item, bytes):
                for event in self._events.feed(item):
                    self.take(event)
            elif item is END or (isinstance(item, Head) and item.status != 200):
                self.said = repr(item).encode()
                self.transport.close()


class LongPollClient(Client):
    """Asks again on the same connection as soon as it has an answer."""

    def opening(self) -> bytes:
        """Return the first request."""
        self._responses = ResponseParser()
        self._body: list[bytes] = []
        self._next = (self.path, "")
        return get(self.host, self.path)

    def data_received(self, data: bytes) -> None:
        """Take answers."""
        for item in self._responses.feed(data):
            if isinstance(item, Head):
                self._head = item
            elif isinstance(item, bytes):
                self._body.append(item)
            else:
                self._answered(b"".join(self._body))
                self._body.clear()

    def _answered(self, body: bytes) -> None:
        if self._head.status not in {200, 204, 304}:
            self.said = body[:200]
            self.transport.close()
            return
        if self._head.status == 200:
            self._next = self.next_request(self._head, body)
        self.transport.write(get(self.host, *self._next))
        if self._head.status == 200:
            self.take(body)

    def next_request(self, head: Head, body: bytes) -> tuple[str, str]:
        """Return the path and the headers that ask for what comes after this answer."""
        cursor = _CURSOR.search(body, max(0, len(body) - 100))
        if cursor is None:
            raise ValueError(f"an answer without a cursor: {body[:200]!r}")
        return f"{self.path}&wait=60&after={cursor[1].decode()}", ""


class NchanLongPollClient(LongPollClient):
    """Nchan's own long-poll: where to go on is said by the headers of HTTP's caches."""

    def next_request(self, head: Head, body: bytes) -> tuple[str, str]:
        """Return the path and the headers that ask for what comes after this answer."""
        modified, tag = head.headers[b"last-modified"], head.headers[b"etag"]
        return self.path, (
            f"If-Modified-Since: {modified.decode()}\r\nIf-None-Match: {tag.decode()}\r\n"
        )


CLIENTS: dict[str, type[Client]] = {
    "websocket": WebSocketClient,
    "sse": SseClient,
    "longpoll": LongPollClient,
    "socketio": SocketIoClient,
    "nchan-longpoll": NchanLongPollClient,
}
