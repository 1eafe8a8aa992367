"""What servers send is taken apart rightly, whatever the chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.wire import websocket
from benchmarks.wire.events import EventParser
from benchmarks.wire.http import END, Head, ResponseParser, get

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNKS = pytest.mark.parametrize("chunk", [1, 2, 5, 100_000])


def feed(parser_feed: Callable[[bytes], list[Any]], stream: bytes, chunk: int) -> list[Any]:
    """Return everything that a parser gives for a stream in chunks of this size."""
    return [
        item
        for start in range(0, len(stream), chunk)
        for item in parser_feed(stream[start : start + chunk])
    ]


@CHUNKS
def test_frames_of_all_lengths_are_whole(chunk: int) -> None:
    """RFC 6455 §5.2: 7, 16 and 64 bits of length."""
    payloads = [b"", b"x" * 125, b"y" * 126, b"z" * 70_000]
    stream = (
        b"\x81\x00"
        + (b"\x81\x7d" + payloads[1])
        + (b"\x81\x7e\x00\x7e" + payloads[2])
        + (b"\x89\x00")
        + (b"\x81\x7f" + (70_000).to_bytes(8) + payloads[3])
    )
    frames = feed(websocket.FrameParser().feed, stream, chunk)
    assert frames == [
        *((websocket.TEXT, payload) for payload in payloads[:3]),
        (websocket.PING, b""),
        (websocket.TEXT, payloads[3]),
    ]


@pytest.mark.parametrize("stream", [b"\x81\x80\0\0\0\0", b"\x01\x01x", b"\x80\x01x"])
def test_frames_that_no_server_here_sends_are_refused(stream: bytes) -> None:
    """Masked, begun and not ended, continued."""
    with pytest.raises(ValueError, match=r"mask|fragment"):
        websocket.FrameParser().feed(stream)


def test_a_clients_frame_is_masked() -> None:
    """RFC 6455 §5.3; the mask of zeros changes nothing."""
    assert websocket.frame(websocket.PONG, b"abc") == b"\x8a\x83\0\0\0\0abc"


@CHUNKS
def test_responses_on_one_connection_are_told_apart(chunk: int) -> None:
    """By length, in chunks, and without a body."""
    stream = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: x\r\n\r\nhello"
        b"HTTP/1.1 204 No Content\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\nA\r\n0123456789\r\n"
        b"0\r\n\r\n"
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
    )
    items = feed(ResponseParser().feed, stream, chunk)
    heads = [item for item in items if isinstance(item, Head)]
    assert [head.status for head in heads] == [200, 204, 200, 404]
    assert heads[0].headers[b"etag"] == b"x"
    assert items.count(END) == 4
    bodies = b"".join(item for item in items if isinstance(item, bytes))
    assert bodies == b"helloone0123456789no"


@CHUNKS
def test_a_body_without_a_length_has_no_end(chunk: int) -> None:
    """RFC 9112 §6.3: it ends with the connection."""
    items = feed(ResponseParser().feed, b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n", chunk)
    assert END not in items
    assert b"".join(items[1:]) == b"data: 1\n\n"


def test_a_request_has_its_headers() -> None:
    """One line each."""
    request = get("host:1", "/path", "Accept: text/event-stream\r\n")
    assert request == (b"GET /path HTTP/1.1\r\nHost: host:1\r\nAccept: text/event-stream\r\n\r\n")


@CHUNKS
def test_only_events_with_data_count(chunk: int) -> None:
    """Not the opening, not comments."""
    stream = b"retry: 1\n: hi\n\nevent: a\nid: 1\ndata: x\n\n:\n\ndata: y\n\ndata: cut"
    events = feed(EventParser().feed, stream, chunk)
    assert events == [b"event: a\nid: 1\ndata: x", b"data: y"]
