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
from functools import partial
from typing import Any

from taskstatus.pressure import MAX_UNSENT_BYTES

__all__ = ["Write", "body_chunk", "chunk_writer", "frame_writer", "text_frame"]

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


def frame_writer(send: Any) -> Write | None:
    """Return what writes frames of an accepted WebSocket past ``send``, None where nothing does."""
    owner = _owner(send)
    match _name(owner):
        case "uvicorn.protocols.websockets.websockets_sansio_impl.WebSocketsSansIOProtocol":
            return _asyncio_writer(owner.transport)
        case "daphne.ws_protocol.WebSocketProtocol" if not owner.send_queue:
            write = _twisted_writer(owner.transport)
            return write and partial(_write_if_open, owner, write)
    return None


def chunk_writer(send: Any) -> Write | None:
    """Return what writes chunks of a body that has begun past ``send``, None where nothing does, or
    the body does not go in chunks."""
    owner = _owner(send)
    match _name(owner):
        case "uvicorn.protocols.http.httptools_impl.RequestResponseCycle" if owner.chunked_encoding:
            return _asyncio_writer(owner.transport)
        case "daphne.http_protocol.WebRequest" if owner.startedWriting and owner.chunked:
            return _twisted_writer(getattr(owner.channel, "transport", None))
    return None


def _owner(send: Any) -> Any:
    """Return the server's object for the connection: uvicorn's send is a method of it, Daphne's a
    partial with it."""
    return send.args[0] if isinstance(send, partial) and send.args else getattr(send, "__self__", 0)


def _name(thing: Any) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def _asyncio_writer(transport: Any) -> Write:
    is_closing, held, put = transport.is_closing, transport.get_write_buffer_size, transport.write

    def write(data: bytes) -> bool:
        if is_closing() or held() > HIGH_WATER_BYTES:
            return False
        put(data)
        return True

    return write


def _write_if_open(protocol: Any, write: Write, data: bytes) -> bool:
    return bool(protocol.state == OPEN) and write(data)


def _twisted_writer(transport: Any) -> Write | None:
    if _name(transport) != "twisted.internet.tcp.Server" or not hasattr(transport, "_tempDataLen"):
        return None
    put, push = transport.write, transport.socket.send

    def write(data: bytes) -> bool:
        if not transport.connected or transport.disconnecting:
            return False
        held = transport._tempDataLen + len(transport.dataBuffer) - transport.offset
        sent = 0
        if not held:
            try:
                sent = push(data)
            except OSError:
                # It takes no more at the moment, or no longer: Twisted finds out which.
                sent = 0
        elif held > MAX_UNSENT_BYTES:
            return False
        if sent < len(data):
            put(data[sent:])
        return True

    return write
