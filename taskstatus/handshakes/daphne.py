"""On Daphne, a WebSocket's opening handshake is read at one go.

Twisted parses a request, Daphne makes an HTTP request of it, writes it down again, and has autobahn
parse that: nearly half of what accepting a WebSocket costs. Here an opening handshake of the
ordinary kind goes from Twisted's connection to autobahn without a request in between.

This depends on names of Twisted's, Daphne's and autobahn's; where they are others, all stays as it
is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from taskstatus.handshakes.opening import Opening, read_opening
from taskstatus.wire import class_name

__all__ = ["hasten"]

logger = logging.getLogger(__name__)

_CHANNEL = "twisted.web.http._GenericHTTPChannelProtocol"
#: What a WebSocket that was accepted as ever must have.
_NAMES = (
    "_parseExtensionsHeader",
    "_raw_query_string",
    "_wskey",
    "failHandshake",
    "http_headers",
    "http_request_path",
    "onConnect",
    "peer",
    "succeedHandshake",
    "websocket_extensions",
    "websocket_origin",
    "websocket_protocols",
    "websocket_version",
)


def hasten(protocol: Any) -> None:
    """Let the next WebSockets of a server be accepted so; ``protocol`` is Daphne's for one."""
    factory: Any = getattr(protocol, "factory", None)
    http: Any = getattr(getattr(factory, "server_class", None), "http_factory", None)
    build: Any = getattr(http, "protocol", None)
    # Another server, or done before: there is nothing to do.
    if build is None or isinstance(build, partial):
        return
    channel = build()
    known = class_name(channel) == _CHANNEL
    if known and all(hasattr(protocol, name) for name in _NAMES) and _takes_all(factory):
        http.protocol = partial(_build, build, _door(type(channel)))


def _takes_all(factory: Any) -> bool:
    """Return whether autobahn was given nothing to refuse a valid handshake for."""
    origins, null = (
        getattr(factory, "allowedOrigins", []),
        getattr(factory, "allowNullOrigin", False),
    )
    return origins == ["*"] and null and getattr(factory, "maxConnections", None) == 0


def _build(build: Callable[[], Any], door: Any) -> Any:
    """Return what Twisted makes for a connection, as a door."""
    channel = build()
    channel.__class__ = door
    return channel


def _door(made: Any) -> Any:
    """Return the class for an HTTP connection of Twisted's that lets WebSockets pass."""

    class Door(made):  # type: ignore[misc]
        def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
            # Nothing was received before, and nothing negotiated by TLS.
            opening = read_opening(data) if self._negotiatedProtocol is None else None
            if opening is None or not _pass(self, opening):
                super().dataReceived(data)

    return Door


def _pass(door: Any, opening: Opening) -> bool:
    """Put a WebSocket in the place of an HTTP connection and let it decide on an opening handshake;
    return False where it can't be put there."""
    channel: Any = getattr(door, "_channel", None)
    transport: Any = getattr(channel, "transport", None)
    producer = getattr(channel, "_networkProducer", None)
    # With TLS there is something in between.
    if producer is None or getattr(transport, "protocol", None) is not door:
        return False
    protocol = channel.factory.server.ws_factory.buildProtocol(transport.getPeer())
    # As Twisted lets go of a channel in favour of another one.
    producer.unregisterProducer()
    channel.setTimeout(None)
    transport.protocol = protocol
    protocol.makeConnection(transport)
    _shake_hands(protocol, opening)
    return True


def _shake_hands(protocol: Any, opening: Opening) -> None:
    """Do what Daphne and autobahn do once they have read a request that is valid."""
    from autobahn.websocket.types import ConnectionRequest
    from twisted.internet.defer import maybeDeferred

    headers = {name.decode(): value.decode() for name, value in opening.headers.items()}
    protocol._raw_query_string = opening.query
    protocol._wskey = headers["sec-websocket-key"]
    protocol.http_headers = headers
    protocol.http_request_path = opening.path.decode()
    protocol.websocket_version = 13
    protocol.websocket_origin = headers.get("origin", "")
    protocol.websocket_protocols = []
    protocol.websocket_extensions = protocol._parseExtensionsHeader(
        headers.get("sec-websocket-extensions", "")
    )
    request = ConnectionRequest(  # type: ignore[no-untyped-call]
        protocol.peer,
        headers,
        headers["host"],
        protocol.http_request_path,
        {},
        protocol.websocket_version,
        protocol.websocket_origin,
        protocol.websocket_protocols,
        protocol.websocket_extensions,
    )
    accepted = maybeDeferred(protocol.onConnect, request)
    accepted.addCallbacks(protocol.succeedHandshake, partial(_refuse, protocol))


def _refuse(protocol: Any, failure: Any) -> None:
    """Answer where the application refused the connection, or failed."""
    from autobahn.websocket.types import ConnectionDeny

    if isinstance(failure.value, ConnectionDeny):
        protocol.failHandshake(failure.value.reason, failure.value.code)
    else:
        logger.error("A WebSocket could not be accepted: %r", failure.value)
        protocol.failHandshake("Internal server error", ConnectionDeny.INTERNAL_SERVER_ERROR)
