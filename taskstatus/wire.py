"""Ready-made bytes on a client's connection, past the server's own ``send``.

What the hub hands to a thousand clients is the same for all of them, down to the WebSocket frame
and the chunk of an HTTP body. A server makes these anew for each client, by way of a coroutine and
of objects that count, time and log. Here they are made once, and written where the server would
write them: to uvicorn's transport, or to the socket of Daphne's.

This knows attributes of both servers that are private to them. Where a connection is not as it is
known here (another server, another version, TLS, a middleware in between), there is no way past
it, and ``send`` is used as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from taskstatus.daphne import protocol_behind
from taskstatus.pressure import MAX_UNSENT_BYTES

__all__ = [
    "Gate",
    "Write",
    "body_chunk",
    "chunk_writer",
    "class_name",
    "frame_writer",
    "owner_of",
    "text_frame",
]

#: Puts bytes behind all that was sent before; returns whether they were taken. It never waits.
Write = Callable[[bytes], bool]

#: uvicorn lets an application wait when its transport holds more than this.
HIGH_WATER_BYTES = 65_536
#: autobahn's STATE_OPEN.
OPEN = 3


def text_frame(payload: bytes) -> bytes:
    """Return an unmasked, final text frame (RFC 6455 §5.2).

    It is not compressed, which a server is free to do for any message (RFC 7692 §6).
    """
    size = len(payload)
    if size < 126:
        head = bytes((0x81, size))
    elif size < 65_536:
        head = b"\x81\x7e" + size.to_bytes(2)
    else:
        head = b"\x81\x7f" + size.to_bytes(8)
    return head + payload


def body_chunk(body: bytes) -> bytes:
    """Return a chunk of a body (RFC 9112 §7.1); the body is not empty."""
    return b"%x\r\n%b\r\n" % (len(body), body)


class Gate(Protocol):
    """Whether the server has all that was sent by its own ``send`` (see ``writer``)."""

    free: bool


def frame_writer(send: Any, gate: Gate) -> Write | None:
    """Return what writes frames of an accepted WebSocket past ``send`` while the gate is free, None
    where nothing does."""
    owner = owner_of(send)
    match class_name(owner):
        case "uvicorn.protocols.websockets.websockets_sansio_impl.WebSocketsSansIOProtocol":
            return _Asyncio(owner.transport, gate).write
        case "daphne.ws_protocol.WebSocketProtocol" if not owner.send_queue:
            return _twisted_writer(owner.transport, gate, owner)
    return None


def chunk_writer(send: Any, gate: Gate) -> Write | None:
    """Return what writes chunks of a body that has begun past ``send`` while the gate is free, None
    where nothing does, or the body does not go in chunks."""
    owner = owner_of(send)
    match class_name(owner):
        case "uvicorn.protocols.http.httptools_impl.RequestResponseCycle" if owner.chunked_encoding:
            return _Asyncio(owner.transport, gate).write
        case "daphne.http_protocol.WebRequest" if owner.startedWriting and owner.chunked:
            return _twisted_writer(getattr(owner.channel, "transport", None), gate)
    return None


def owner_of(send: Any) -> Any:
    """Return the object to which the server's own ``send`` belongs, None where there is none to be
    seen: Daphne's is its first argument, uvicorn's is a method of it."""
    protocol = protocol_behind(send)
    return getattr(send, "__self__", None) if protocol is None else protocol


def class_name(thing: Any) -> str:
    """Return the whole name of a thing's class."""
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


class _Asyncio:
    """The way to a transport of asyncio's or uvloop's. A class, since it takes less than a closure
    and there is one for each connection."""

    __slots__ = ("_gate", "_transport")

    def __init__(self, transport: Any, gate: Gate) -> None:
        self._transport = transport
        self._gate = gate

    def write(self, data: bytes) -> bool:
        transport = self._transport
        if (
            not self._gate.free
            or transport.is_closing()
            or transport.get_write_buffer_size() > HIGH_WATER_BYTES
        ):
            return False
        transport.write(data)
        return True


class _Twisted:
    """The way to the socket of a connection of Twisted's."""

    __slots__ = ("_gate", "_protocol", "_transport")

    def __init__(self, transport: Any, gate: Gate, protocol: Any) -> None:
        self._transport = transport
        self._gate = gate
        #: autobahn's, which knows whether a WebSocket is being closed.
        self._protocol = protocol

    def write(self, data: bytes) -> bool:
        transport, protocol = self._transport, self._protocol
        if not self._gate.free or not transport.connected or transport.disconnecting:
            return False
        if protocol is not None and protocol.state != OPEN:
            return False
        held = transport._tempDataLen + len(transport.dataBuffer) - transport.offset
        if held > MAX_UNSENT_BYTES:
            return False
        sent = 0
        if not held:
            try:
                sent = transport.socket.send(data)
            except OSError:
                # It takes no more at the moment, or no longer: Twisted finds out which.
                sent = 0
        if sent < len(data):
            transport.write(data[sent:])
        return True


def _twisted_writer(transport: Any, gate: Gate, protocol: Any = None) -> Write | None:
    if class_name(transport) != "twisted.internet.tcp.Server" or not hasattr(
        transport, "_tempDataLen"
    ):
        return None
    return _Twisted(transport, gate, protocol).write
