"""Daphne's own server and protocols, without a port and without a network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from daphne.http_protocol import HTTPFactory
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory
from twisted.internet.testing import StringTransportWithDisconnection

from taskstatus.checkups import check_always, check_when_due

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["GET", "PART", "TIMEOUT_SECONDS", "UPGRADE", "Daphne", "transport_without_network"]

TIMEOUT_SECONDS = 10.0
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
ACCEPT = {"type": "websocket.accept"}
START = {"type": "http.response.start", "status": 200, "headers": []}
PART = {"type": "http.response.body", "body": b"part", "more_body": True}


class _Transport(StringTransportWithDisconnection):
    def unregisterProducer(self) -> None:  # noqa: N802 - Twisted's name
        """Do without one, which Twisted's own connections don't mind being told of twice."""
        self.producer = None


def transport_without_network() -> Any:
    """Return a connection that keeps what is written to it."""
    transport: Any = _Transport
    return transport()


class Daphne:
    """A server of Daphne's without a port, with a connection on which an application rests."""

    def __init__(self, **options: Any) -> None:
        self.server: Any = Server(self.application, endpoints=["tcp:0"], **options)
        self.server.connections = {}
        self.server.http_factory = HTTPFactory(self.server)
        self.server.ws_factory = WebSocketFactory(self.server)
        self.transport: Any = transport_without_network()
        self.resting = asyncio.Event()
        #: What the application does then.
        self.then: Callable[[], Awaitable[Any]] = asyncio.Event().wait
        #: What it says to a WebSocket, and to whom.
        self.accept: dict[str, Any] = ACCEPT
        self.send: Any = None
        self.scope: Any = None
        #: How the server answered.
        self.answer = b""

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """Open a stream, rest, and do what the test says."""
        self.send, self.scope = send, scope
        await receive()
        for message in [self.accept] if scope["type"] == "websocket" else [START, PART]:
            await send(message)
        check_when_due(send)
        self.resting.set()
        try:
            await self.then()
        finally:
            check_always(send)

    def connect(self, factory: Any = None) -> Any:
        """Have a client connect, on a connection of its own, to the server or to what stands before
        it; return what takes the client's bytes."""
        self.transport = transport_without_network()
        self.resting.clear()
        channel = self.transport.protocol = (factory or self.server.http_factory).buildProtocol(
            None
        )
        channel.makeConnection(self.transport)
        return channel

    async def open(self, request: bytes = UPGRADE) -> Daphne:
        """Have a client connect and ask; return when its application rests."""
        self.connect().dataReceived(request)
        await self.rested()
        # What is left of the upgrade goes.
        self.server.application_checker()
        self.answer = self.transport.value()
        self.transport.clear()
        return self

    async def another(self, request: bytes = UPGRADE) -> Any:
        """Have another client connect and ask; return its connection."""
        await self.open(request)
        return self.protocol

    async def rested(self) -> None:
        """Return when the application of the last connection rests."""
        await asyncio.wait_for(self.resting.wait(), TIMEOUT_SECONDS)

    def stop(self) -> None:
        """Cancel all applications."""
        self.server.application_checker()
        for details in self.server.connections.values():
            details["application_instance"].cancel()

    @property
    def protocol(self) -> Any:
        """The connection."""
        return self.send.args[0]

    @property
    def shown(self) -> list[Any]:
        """What application_checker() looks at."""
        return [protocol for protocol, _ in self.server.connections.items()]

    @property
    def serving(self) -> asyncio.Task[None]:
        """The application."""
        serving: asyncio.Task[None] = self.server.connections[self.protocol]["application_instance"]
        return serving

    async def end(self) -> None:
        """Return when the application has ended."""
        await asyncio.wait([self.serving], timeout=TIMEOUT_SECONDS)

    def long_ago(self, seconds: float) -> None:
        """Let so much time have passed."""
        for name in ("last_ping", "socket_opened", "request_start"):
            if hasattr(self.protocol, name):
                setattr(self.protocol, name, getattr(self.protocol, name) - seconds)
        check_when_due(self.send)
