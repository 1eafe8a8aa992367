"""Frames and chunks that are made once, and their way past the server on Twisted's connections."""

from __future__ import annotations

import asyncio
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from taskstatus.pressure import MAX_UNSENT_BYTES, write_at_once
from taskstatus.wire import Write, body_chunk, chunk_writer, frame_writer, text_frame
from tests.harness.twisted import BIG, TIMEOUT_SECONDS, Connection, twisted_connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def parse(frame: bytes) -> Frame:
    """Return a frame as a client reads it; nothing may be left."""
    reader = StreamReader()
    reader.feed_data(frame)
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    assert reader.buffer == b""
    assert isinstance(done.value.value, Frame)
    return done.value.value


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000])
def test_text_of_any_length_is_one_frame(size: int) -> None:
    """The length is written in one of three ways (RFC 6455 §5.2)."""
    frame = parse(text_frame(b"x" * size))
    assert (frame.opcode, frame.fin, frame.data) == (Opcode.TEXT, True, b"x" * size)
    assert (frame.rsv1, frame.rsv2, frame.rsv3) == (False, False, False)


@pytest.mark.parametrize("size", [1, 15, 16, 4_096])
def test_chunk_says_its_length(size: int) -> None:
    """In hexadecimal (RFC 9112 §7.1)."""
    length, _, rest = body_chunk(b"x" * size).partition(b"\r\n")
    assert int(length, 16) == size
    assert rest == b"x" * size + b"\r\n"


class Door:
    """A gate that opens when the test says so."""

    def __init__(self, *, free: bool) -> None:
        self.free = free


OPEN = Door(free=True)


class WebSocketProtocol:
    """By its name a connection of Daphne's."""

    def __init__(self, connection: Connection) -> None:
        self.transport = connection.transport
        self.send_queue: list[bytes] = []
        self.state = 3


WebSocketProtocol.__module__ = "daphne.ws_protocol"


class WebRequest:
    """By its name a request to Daphne, whose response has begun."""

    def __init__(self, connection: Connection | None, *, begun: bool, chunked: bool) -> None:
        self.channel = connection and SimpleNamespace(transport=connection.transport)
        self.startedWriting = begun
        self.chunked = chunked


WebRequest.__module__ = "daphne.http_protocol"


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    """Yield a connection of Twisted's, which writes at once."""
    async with twisted_connection() as connection:
        write_at_once(connection.send)
        yield connection


@pytest.fixture
def write(connection: Connection) -> Write:
    """Return the way past Daphne."""
    write = frame_writer(partial(print, WebSocketProtocol(connection)), OPEN)
    assert write is not None
    return write


async def test_what_is_written_is_there_before_the_loop_turns(
    connection: Connection, write: Write
) -> None:
    """Twisted knows nothing of it, and has nothing to wait for."""
    assert write(b"one")
    connection.send({"bytes": b"two"})
    assert write(b"three")
    assert connection.client.recv(100) == b"onetwothree"
    assert connection.asked == connection.unsent() == 0


@pytest.mark.parametrize("before", [0, 1_000, MAX_UNSENT_BYTES])
async def test_what_does_not_fit_waits_and_keeps_its_place(
    connection: Connection, write: Write, before: int
) -> None:
    """Behind what the server has sent, and in front of what it sends next."""
    filled = 0
    while not connection.unsent():
        assert write(b"f" * 65_536)
        filled += 65_536
    held = connection.unsent()
    connection.send({"bytes": b"s" * before})
    taken = write(b"message")
    assert taken is (held + before <= MAX_UNSENT_BYTES)
    connection.send({"bytes": b"last"})
    whole = b"f" * filled + b"s" * before + b"message" * taken + b"last"
    assert await connection.read(len(whole)) == whole
    assert write(b"again")
    assert await connection.read(5) == b"again"


async def test_nothing_goes_past_what_the_server_has_not_taken_yet(connection: Connection) -> None:
    """A send that waits is before whatever comes now."""
    gate = Door(free=False)
    write = frame_writer(partial(print, WebSocketProtocol(connection)), gate)
    assert write is not None
    assert not write(b"too early")
    gate.free = True
    assert write(b"in time")
    assert connection.client.recv(100) == b"in time"


async def test_message_larger_than_any_buffer_arrives_whole(
    connection: Connection, write: Write
) -> None:
    """What the socket does not take at once follows."""
    big = bytes(range(256)) * (BIG // 256)
    assert write(big)
    assert not write(b"not now")
    assert await connection.read(BIG) == big


async def test_client_that_reads_nothing_is_not_written_to(
    connection: Connection, write: Write
) -> None:
    """What waits for it stays within the bound, and a message."""
    for _ in range(1_000):
        write(b"x" * 65_536)
    assert MAX_UNSENT_BYTES < connection.unsent() <= MAX_UNSENT_BYTES + 65_536


async def test_client_that_has_gone_is_noticed(connection: Connection, write: Write) -> None:
    """Writing to it raises nothing; Twisted ends the connection, and then nothing is taken."""
    connection.client.close()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not connection.protocol.lost.is_set():
            write(b"anybody there?")
            await asyncio.sleep(0)
    assert not write(b"nobody")


async def test_connection_that_is_being_closed_takes_nothing(
    connection: Connection, write: Write
) -> None:
    """Neither by Twisted, nor in WebSocket's own way."""
    connection.transport.loseConnection()
    assert not write(b"too late")
    protocol = WebSocketProtocol(connection)
    connection.transport.disconnecting = False
    closing = frame_writer(partial(print, protocol), OPEN)
    assert closing is not None
    protocol.state = 2
    assert not closing(b"too late")


async def test_only_a_body_that_goes_in_chunks_has_a_way_past(connection: Connection) -> None:
    """HTTP/1.0 knows none; before the headers are written nothing is known."""
    requests = {
        (begun, chunked): WebRequest(connection, begun=begun, chunked=chunked)
        for begun in (True, False)
        for chunked in (True, False)
    }
    ways = {key for key, request in requests.items() if chunk_writer(partial(print, request), OPEN)}
    assert ways == {(True, True)}
    gone = WebRequest(None, begun=True, chunked=True)
    assert chunk_writer(partial(print, gone), OPEN) is None


async def test_frames_behind_queued_ones_go_through_the_server(connection: Connection) -> None:
    """autobahn can be told to chop what it sends; then it has a queue of its own."""
    protocol = WebSocketProtocol(connection)
    protocol.send_queue.append(b"chopped")
    assert frame_writer(partial(print, protocol), OPEN) is None


class _Stranger:
    """A server nobody knows."""

    async def send(self, message: dict[str, Any]) -> None:
        """Send."""


@pytest.mark.parametrize("find", [frame_writer, chunk_writer])
def test_other_servers_have_no_way_past(find: Any) -> None:
    """Nor does what a middleware has put in front of a server's own send."""
    stranger = _Stranger()
    for send in (stranger.send, partial(print), partial(print, stranger), lambda message: None):
        assert find(send, OPEN) is None


def test_connection_over_tls_has_no_way_past() -> None:
    """There the bytes are not the socket's, whatever Daphne's protocol says."""
    protocol = WebSocketProtocol(SimpleNamespace(transport=SimpleNamespace()))  # type: ignore[arg-type]
    assert frame_writer(partial(print, protocol), OPEN) is None
