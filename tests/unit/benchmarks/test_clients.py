"""The clients of a crowd speak each transport, and count what they are sent."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.clients import CLIENTS, Client
from benchmarks.crowd import Crowd
from benchmarks.marks import make_mark
from benchmarks.wire import websocket


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.written.append(data)

    def close(self) -> None:
        """Note it."""
        self.closed = True

    abort = close


def client_on(transport: str, path: str = "/path/?token=x") -> tuple[Any, Crowd, Wire]:
    """Return a client that has sent its request, its crowd, and its wire."""
    crowd, wire = Crowd(), Wire()
    client: Any = CLIENTS[transport](crowd, "127.0.0.1:1", path)
    client.connection_made(wire)
    return client, crowd, wire


def text(payload: str) -> bytes:
    """Return a server's text frame."""
    data = payload.encode()
    assert len(data) < 126
    return bytes((0x80 | websocket.TEXT, len(data))) + data


def answer(body: str, *headers: str) -> bytes:
    """Return a response with a body."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


async def test_a_websocket_is_up_with_its_first_message_and_counts_the_rest() -> None:
    """The snapshot's mark is an old one; a ping is answered."""
    client, crowd, wire = client_on("websocket")
    client.data_received(SWITCHED + text(make_mark(9)))
    assert client.up.done()
    client.data_received(text(make_mark(1)) + b"\x89\x01x" + text(make_mark(2)))
    assert (len(crowd.delays), client.tally.last) == (2, 2)
    assert wire.written[1:] == [websocket.frame(websocket.PONG, b"x")]


async def test_a_close_is_told() -> None:
    """With its code."""
    client, _, wire = client_on("websocket")
    client.data_received(SWITCHED + b"\x88\x02" + (4403).to_bytes(2))
    client.connection_lost(None)
    assert wire.closed
    with pytest.raises(ConnectionError, match="close 4403"):
        await client.up


async def test_socketio_is_connected_to_its_namespace() -> None:
    """Engine.IO opens, Socket.IO connects, pings are answered."""
    client, crowd, wire = client_on("socketio")
    client.data_received(SWITCHED + text('0{"sid":"a"}') + text('40{"sid":"b"}'))
    client.data_received(text('42["status",{}]'))
    assert client.up.done()
    client.data_received(text("2") + text(f'42["status","{make_mark(1)}"]'))
    assert wire.written[1:] == [
        websocket.frame(websocket.TEXT, b"40"),
        websocket.frame(websocket.TEXT, b"3"),
    ]
    assert len(crowd.delays) == 1


async def test_an_event_stream_is_counted() -> None:
    """The opening is no event."""
    client, crowd, _ = client_on("sse")
    body = f"retry: 1\n\ndata: snapshot\n\ndata: {make_mark(1)}\n\n"
    client.data_received(f"HTTP/1.1 200 OK\r\n\r\n{body}".encode())
    assert (client.up.done(), len(crowd.delays)) == (True, 1)


async def test_a_long_poll_goes_on_from_its_cursor() -> None:
    """On the same connection, before anything else."""
    client, crowd, wire = client_on("longpoll")
    client.data_received(answer('{"messages":[],"cursor":"12","ready":false}'))
    mark = make_mark(1)
    client.data_received(answer(f'{{"messages":["{mark}"],"cursor":"13","ready":false}}'))
    client.data_received(b"HTTP/1.1 204 No Content\r\n\r\n")
    asked = [request.split()[1].decode() for request in wire.written]
    assert [path.partition("&after=")[2] for path in asked] == ["", "12", "13", "13"]
    assert len(crowd.delays) == 1


async def test_nchans_long_poll_goes_on_by_its_headers() -> None:
    """As HTTP's caches do."""
    client, _, wire = client_on("nchan-longpoll")
    client.data_received(answer("x", "Last-Modified: then", "Etag: 7"))
    assert b"If-Modified-Since: then\r\nIf-None-Match: 7\r\n" in wire.written[1]


@pytest.mark.parametrize("transport", ["sse", "longpoll"])
async def test_a_refusal_ends_the_client(transport: str) -> None:
    """Nothing is asked again."""
    client, _, wire = client_on(transport)
    client.data_received(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    assert wire.closed
    assert len(wire.written) == 1


async def test_a_crowd_counts_its_clients() -> None:
    """What was lost is for the publisher to say; the rest is here."""
    crowd = Crowd()
    for numbers in ((1, 2), (1, 1), (2, 1)):
        client: Client = CLIENTS["websocket"](crowd, "h", "/")
        client.up.set_result(None)
        crowd.clients.add(client)
        for number in numbers:
            client.take(make_mark(number).encode())
    count = await crowd.count()
    assert (count["received"], count["duplicated"], count["reordered"]) == (6, 1, 1)
    assert 0 < count["p50"] <= count["p99"] <= count["max"] < 1_000
    assert (await crowd.wait(events=6, seconds=0))["events"] == 6
    await crowd.begin()
    assert (await crowd.count())["received"] == 0
