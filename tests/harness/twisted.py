"""A connection as Daphne has it: Twisted's own, with a client that reads when the test does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.protocol import Factory, Protocol, connectionDone

from taskstatus.pressure import unsent_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from twisted.python.failure import Failure

__all__ = ["BIG", "TIMEOUT_SECONDS", "Connection", "handle_reply", "twisted_connection"]

TIMEOUT_SECONDS = 10.0
#: More than a socket takes, and many times what Twisted sends in one go.
BIG = 8 * 1024 * 1024


class _Protocol(Protocol):
    def __init__(self, made: asyncio.Future[_Protocol]) -> None:
        self.made = made
        self.lost = asyncio.Event()

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        self.made.set_result(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self.lost.set()


class Connection:
    """A connection as Daphne has it, with a client that reads when the test does."""

    def __init__(self, protocol: _Protocol, client: socket.socket) -> None:
        self.protocol = protocol
        self.client = client
        #: Daphne's ``send`` is such a partial.
        self.send = partial(handle_reply, protocol)
        self.unsent: Callable[[], int] = unsent_bytes(self.send)
        #: How often the event loop was asked to say when there is room.
        self.asked = 0
        self.transport: Any = protocol.transport
        self._count_asking()

    def _count_asking(self) -> None:
        add_writer = self.transport.reactor.addWriter

        def asking(transport: Any) -> None:
            self.asked += transport is self.transport
            add_writer(transport)

        self.transport.reactor.addWriter = asking

    async def read(self, size: int) -> bytes:
        """Return so many bytes, or what comes before the end."""
        loop, data = asyncio.get_running_loop(), bytearray()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(data) < size:
                some = await loop.sock_recv(self.client, min(size - len(data), 1 << 20))
                if not some:
                    break
                data += some
        return bytes(data)


def handle_reply(protocol: Any, message: dict[str, Any]) -> None:
    protocol.transport.write(message["bytes"])


@contextlib.asynccontextmanager
async def twisted_connection() -> AsyncIterator[Connection]:
    """Hold a connection on Twisted's own reactor, which runs on the test's event loop."""
    loop = asyncio.get_running_loop()
    reactor: Any = AsyncioSelectorReactor(loop)
    made: asyncio.Future[_Protocol] = loop.create_future()
    port = reactor.listenTCP(
        0, Factory.forProtocol(partial(_Protocol, made)), interface="127.0.0.1"
    )
    with socket.socket() as client:
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", port.getHost().port))
        protocol = await made
        connection = Connection(protocol, client)
        yield connection
        connection.transport.abortConnection()
        await asyncio.wait_for(protocol.lost.wait(), TIMEOUT_SECONDS)
    await port.stopListening().asFuture(loop)
    for waker in reactor.removeAll():
        waker.connectionLost(None)
