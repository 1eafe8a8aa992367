"""How much a client leaves unread, on servers that would keep it all.

Daphne's ``send()`` never waits, so a client that reads nothing makes the server hold everything
that is sent to it. What Twisted holds is private to Twisted; where it can't be seen (another
server, another version), this says 0, and the server's own back-pressure has to do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from taskstatus.daphne import protocol_behind

__all__ = ["MAX_UNSENT_BYTES", "linger", "unsent_bytes", "watch_frames", "write_at_once"]

#: A client with more than this waiting for it is too slow.
MAX_UNSENT_BYTES = 262_144


def unsent_bytes(send: Any) -> Callable[[], int]:
    """Return a function that tells how many bytes wait in this process for the client.

    ``send`` is the server's own ASGI ``send``, not one that wraps it.
    """
    transport = _twisted_transport(send)
    return _nothing if transport is None else partial(_twisted_unsent, transport)


def write_at_once(send: Any) -> None:
    """Let a connection take what the network takes at once, where the server is Daphne.

    Twisted asks the event loop to say when it may write, although it nearly always may: two system
    calls and a turn of the loop for each message. What does not fit waits as ever.
    """
    transport = _twisted_transport(send)
    if transport is not None and "startWriting" not in vars(transport):
        transport.startWriting = partial(_write_now, transport, transport.startWriting)


def linger(send: Any, seconds: float) -> None:
    """Let a WebSocket client take so long to answer the close, where the server is Daphne.

    The default is a second: one that has much to read before it would never see the code.
    """
    protocol = protocol_behind(send)
    if hasattr(protocol, "closeHandshakeTimeout"):
        protocol.closeHandshakeTimeout = seconds


def watch_frames(send: Any, most: int) -> None:
    """Let a WebSocket client that breaks the protocol read why, and send messages of so many bytes
    at most, where the server is Daphne.

    The default is to cut the connection without a word (RFC 6455 §7.1.7 has a close frame), and to
    hold a message of any size in memory until it is whole.
    """
    protocol = protocol_behind(send)
    if hasattr(protocol, "failByDrop") and hasattr(protocol, "maxMessagePayloadSize"):
        protocol.failByDrop = False
        # In both directions.
        protocol.maxMessagePayloadSize = protocol.maxFramePayloadSize = most


def _twisted_transport(send: Any) -> Any:
    """Return the TCP connection behind Daphne's ``send``, None where there is none to be seen."""
    transport = getattr(protocol_behind(send), "transport", None)
    return transport if hasattr(transport, "_tempDataLen") else None


def _write_now(transport: Any, wait: Callable[[], None]) -> None:
    fresh = transport._tempDataLen and len(transport.dataBuffer) == transport.offset
    # With nothing to write this is about the end of the connection, which is the event loop's to
    # bring about, as it is to find out what an error means.
    if not fresh or transport.doWrite() is not None or _twisted_unsent(transport):
        wait()


def _nothing() -> int:
    return 0


def _twisted_unsent(transport: Any) -> int:
    unsent: int = transport._tempDataLen + len(transport.dataBuffer) - transport.offset
    return unsent
