"""Messages as Server-Sent Events, by django-eventstream's encoder."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from django_eventstream.utils import sse_encode_event

from taskstatus.messages import Message

__all__ = ["HEARTBEAT", "KEEPALIVE", "encode", "encode_at", "encode_problem", "opening"]

#: A comment: keeps proxies awake, and finds out whether the client is still there.
KEEPALIVE = b":\n\n"
#: The same where a client wants to see it. No id: it is not in the stream.
HEARTBEAT = sse_encode_event("heartbeat", '{"type":"heartbeat"}').encode()


def opening(retry_ms: int) -> bytes:
    """Return how a stream begins: when to come back, and a comment that passes buffers."""
    return f"retry: {retry_ms}\n: taskstatus\n\n".encode()


def encode(messages: Iterable[Message]) -> bytes:
    """Return messages as events; each is encoded once, however many clients it goes to."""
    return b"".join([message.event or _encode(message) for message in messages])


def encode_at(message: Message, position: bytes) -> bytes:
    """Return a message as an event whose id is a position in several streams.

    All but the id is the same for every client.
    """
    event = message.event or _encode(message)
    before, after = event.index(b"\nid: "), event.index(b"\ndata: ")
    return b"%b\nid: %b%b" % (event[:before], position, event[after:])


def encode_problem(json: str, position: bytes) -> bytes:
    """Return what a client is told of one task among several as an event."""
    event: bytes = sse_encode_event("problem", json, event_id=position.decode()).encode()
    return event


def _encode(message: Message) -> bytes:
    json = message.json
    if "\n" in json or "\r" in json:
        event = sse_encode_event(message.kind, json, event_id=message.cursor)
    else:
        before, between, after = _layout(message.kind)
        event = f"{before}{message.cursor}{between}{json}{after}"
    encoded = message.event = event.encode()
    return encoded


@lru_cache(maxsize=8)
def _layout(kind: str) -> tuple[str, str, str]:
    """Return what the encoder puts in front of, between and behind an id and one line of data.

    It takes longer over an event than all else does that is done once for it.
    """
    before, _, rest = str(sse_encode_event(kind, "DATA", event_id="ID")).partition("ID")
    between, _, after = rest.partition("DATA")
    return before, between, after
