"""How uvicorn's WebSockets are accepted at one go, on its own protocols and over real sockets."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from taskstatus.handshakes import hasten_handshakes, uvicorn
from taskstatus.wire import frame_writer, text_frame
from tests.harness.uvicorn import HTTP, Uvicorn
from tests.unit.handshakes.handshake import FROM_A_BROWSER, PLAIN, handshake
from tests.unit.subscriptions import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TIMEOUT_SECONDS = 10.0
#: A masked text frame that says "hi" (RFC 6455 §5.7).
HI = b"\x81\x82\x00\x00\x00\x00hi"
pytestmark = pytest.mark.skipif(
    not hasattr(WebSocketsSansIOProtocol, "start_keepalive"),
    reason="a uvicorn that sends no pings on these WebSockets is left alone",
)


class Site(Uvicorn):
    """Its application does as told."""

    def __init__(self, http: str = "httptools", **options: Any) -> None:
        super().__init__(http, ws="websockets-sansio", **options)
        #: How the application answers.
        self.answers: list[dict[str, Any]] = [{"type": "websocket.accept"}]
        self.before_answer = asyncio.Event()
        self.before_answer.set()
        self.scopes: list[dict[str, Any]] = []
        self.sends: list[Any] = []
        self.heard: list[dict[str, Any]] = []
        self.ended = asyncio.Event()

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, and listen until the client is gone."""
        self.scopes.append({**scope})
        self.sends.append(send)
        self.heard = [await receive()]
        await self.before_answer.wait()
        for answer in self.answers:
            await send(answer)
        while self.heard[-1]["type"] != "websocket.disconnect":
            self.heard.append(await receive())
        self.ended.set()

    async def connect(self, request: bytes = PLAIN) -> Client:
        """Send a request; return the connection once it was answered."""
        self.ended.clear()
        client = await self.ask(request)
        await client.read_answer()
        return client

    async def ask(self, request: bytes = PLAIN) -> Client:
        """Send a request."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        client.writer.write(request)
        return client

    async def knock(self) -> Client:
        """Send a request that the application does not answer yet; return when it has it."""
        self.before_answer.clear()
        asked = len(self.scopes)
        client = await self.ask()
        await eventually(lambda: len(self.scopes) > asked)
        return client

    async def hasten(self) -> None:
        """Accept the first WebSocket as ever, and let the next ones be accepted at one go."""
        client = await self.connect()
        hasten_handshakes(self.sends[-1])
        await client.close()
        assert self.hastened

    @property
    def at_one_go(self) -> bool:
        """Whether the last one was: websockets itself was not asked."""
        return not self.sends[-1].__self__.conn.accept_called

    @property
    def hastened(self) -> bool:
        """Whether the next ones are."""
        return self.config.ws_protocol_class is not WebSocketsSansIOProtocol


class Client:
    """A client that speaks bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.answer = b""

    async def read_answer(self) -> None:
        """Read the head of the server's answer."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            self.answer = await self.reader.readuntil(b"\r\n\r\n")

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.answer.split(b" ")[1])

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of the answer, in order of their names."""
        pairs = [line.split(b": ", 1) for line in self.answer.split(b"\r\n")[1:-2]]
        return sorted((name.lower(), value) for name, value in pairs)

    async def read(self, size: int) -> bytes:
        """Return the next bytes."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self.reader.readexactly(size)

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        await self.writer.wait_closed()


@pytest.fixture(params=HTTP)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """Return a site that listens."""
    async with Site(request.param).listening() as site:
        yield site


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        FROM_A_BROWSER,
        handshake(b"X-One: 1", target=b"/root/ws/task_status/x%2Fy%C3%BC/?a=%20&b"),
        handshake(target=b"/ws/task_status/7/?"),
    ],
)
async def test_client_and_application_are_told_the_same(site: Site, data: bytes) -> None:
    """As by uvicorn and websockets themselves."""
    before = await site.connect(data)
    await before.close()
    await site.hasten()
    after = await site.connect(data)
    assert site.at_one_go
    assert after.status == before.status == 101
    assert after.headers == before.headers
    for scope in site.scopes:
        del scope["client"]
    assert site.scopes[-1] == site.scopes[0]
    await after.close()


async def test_behind_a_path_it_is_the_same() -> None:
    """Which uvicorn is told of (--root-path)."""
    async with Site(root_path="/behind").listening() as site:
        client = await site.connect()
        await client.close()
        await site.hasten()
        client = await site.connect()
        assert site.at_one_go
        assert site.scopes[-1] | {"client": None} == site.scopes[0] | {"client": None}
        await client.close()


async def test_frames_go_both_ways(site: Site) -> None:
    """uvicorn's, and those that are written past it."""
    await site.hasten()
    client = await site.connect()
    client.writer.write(HI)
    frame = text_frame(b"hello")
    await site.sends[-1]({"type": "websocket.send", "text": "hello"})
    assert await client.read(len(frame)) == frame
    gate: Any = type("Gate", (), {"free": True})
    write = frame_writer(site.sends[-1], gate)
    assert write is not None
    assert write(frame)
    assert await client.read(len(frame)) == frame
    await site.sends[-1]({"type": "websocket.close", "code": 4404})
    assert (await client.read(4))[2:] == (4404).to_bytes(2)
    await client.close()
    await asyncio.wait_for(site.ended.wait(), TIMEOUT_SECONDS)
    assert {"type": "websocket.receive", "text": "hi"} in site.heard


async def test_compression_is_agreed_on_and_used(site: Site) -> None:
    """As uvicorn is set to."""
    await site.hasten()
    client = await site.connect(FROM_A_BROWSER)
    assert b"permessage-deflate" in dict(client.headers)[b"sec-websocket-extensions"]
    await site.sends[-1]({"type": "websocket.send", "text": "a" * 100})
    head = await client.read(2)
    assert head[0] == 0xC1, "RSV1 says that it is compressed (RFC 7692 §6)"
    assert head[1] < 100
    await client.close()


async def test_no_compression_where_it_is_off() -> None:
    """Whatever a client offers."""
    async with Site(ws_per_message_deflate=False).listening() as site:
        await site.hasten()
        client = await site.connect(FROM_A_BROWSER)
        assert b"sec-websocket-extensions" not in dict(client.headers)
        await client.close()


async def test_what_comes_before_the_answer_is_heard_after_it(site: Site) -> None:
    """A client need not wait before it sends frames."""
    await site.hasten()
    client = await site.knock()
    client.writer.write(HI)
    await client.writer.drain()
    site.before_answer.set()
    await client.read_answer()
    await client.close()
    await asyncio.wait_for(site.ended.wait(), TIMEOUT_SECONDS)
    assert {"type": "websocket.receive", "text": "hi"} in site.heard


async def test_application_may_say_more_with_its_answer(site: Site) -> None:
    """Headers and a subprotocol, as uvicorn would send them."""
    await site.hasten()
    site.answers[0] |= {"headers": [(b"x-one", b"1")], "subprotocol": "two"}
    client = await site.connect()
    assert (b"x-one", b"1") in client.headers
    assert (b"sec-websocket-protocol", b"two") in client.headers
    await client.close()


REFUSED = {"type": "websocket.http.response.start", "status": 418}
BODY = {"type": "websocket.http.response.body", "body": b"tea"}


@pytest.mark.parametrize(
    ("answers", "status"),
    [([{"type": "websocket.close"}], 403), ([REFUSED, BODY], 418), ([{"type": "nonsense"}], 500)],
)
async def test_application_may_refuse(
    site: Site, answers: list[dict[str, Any]], status: int
) -> None:
    """It is uvicorn that says so."""
    await site.hasten()
    site.answers = answers
    client = await site.connect()
    assert client.status == status
    await client.close()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (handshake(sec_websocket_version=b"8"), 400),
        (handshake(sec_websocket_key=b"short"), 400),
        (handshake(target=b"/other/"), 101),
        (handshake(b"Sec-WebSocket-Protocol: one"), 101),
    ],
)
async def test_what_is_out_of_the_ordinary_goes_uvicorns_way(
    site: Site, data: bytes, status: int
) -> None:
    """Refused or accepted."""
    await site.hasten()
    client = await site.connect(data)
    assert client.status == status
    assert len(site.sends) == 1 or not site.at_one_go
    await client.close()


async def test_log_says_the_same(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """That a connection was accepted, and for what."""
    caplog.set_level(logging.INFO, logger="uvicorn.error")

    async def told() -> list[str]:
        caplog.clear()
        client = await site.connect()
        port = str(client.writer.get_extra_info("sockname")[1])
        lines = [record.getMessage().replace(port, "PORT") for record in caplog.records]
        await client.close()
        return lines

    before = await told()
    await site.hasten()
    assert any("[accepted]" in line for line in before)
    assert await told() == before


async def test_pings_go_on() -> None:
    """uvicorn's own, by which it finds out who is gone."""
    async with Site(ws_ping_interval=0.05).listening() as site:
        await site.hasten()
        client = await site.connect()
        assert await client.read(2) == b"\x89\x04"
        await client.close()


async def test_shutdown_closes_with_its_code(site: Site) -> None:
    """Open connections are told, those in the handshake are answered."""
    await site.hasten()
    client = await site.connect()
    for protocol in [*site.state.connections]:
        protocol.shutdown()
    assert await client.read(4) == b"\x88\x02" + (1012).to_bytes(2)
    await client.close()
    client = await site.knock()
    for protocol in [*site.state.connections]:
        protocol.shutdown()
    await client.read_answer()
    assert client.status == 500
    site.before_answer.set()
    await client.close()


async def test_client_that_is_gone_before_the_answer_harms_nobody(site: Site) -> None:
    """The application learns of it."""
    await site.hasten()
    client = await site.knock()
    await client.close()
    await eventually(lambda: not site.state.connections)
    site.before_answer.set()
    await eventually(lambda: not site.state.tasks)
    client = await site.connect()
    assert client.status == 101
    await client.close()


async def test_first_one_may_be_out_of_the_ordinary(site: Site) -> None:
    """Then it is another one by which the server is known."""
    client = await site.connect(handshake(b"X-One: \xff\xc3"))
    hasten_handshakes(site.sends[-1])
    assert not site.hastened
    await client.close()
    await site.hasten()


async def test_it_is_done_once(site: Site) -> None:
    """And by name the class is what it was."""
    await site.hasten()
    made = site.config.ws_protocol_class
    client = await site.connect()
    hasten_handshakes(site.sends[-1])
    assert site.config.ws_protocol_class is made
    assert made is not None
    assert (made.__module__, made.__qualname__) == (
        WebSocketsSansIOProtocol.__module__,
        WebSocketsSansIOProtocol.__qualname__,
    )
    await client.close()


async def test_another_uvicorn_is_left_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that tells an application other things, or lacks a name."""
    client = await site.connect()
    send = site.sends[-1]
    scope = send.__self__.scope
    for key, value in {"path": "/other/", "headers": [], "extensions": {}, "state": {}}.items():
        kept, scope[key] = scope[key], value
        hasten_handshakes(send)
        assert not site.hastened
        scope[key] = kept
    for names in ("_NAMES", "_NAMES_OF_CONN"):
        monkeypatch.setattr(uvicorn, names, {"unheard_of"})
        hasten_handshakes(send)
        assert not site.hastened
        monkeypatch.undo()
    # What a proxy says of its client is no reason.
    scope |= {"client": ("203.0.113.7", 0), "scheme": "wss"}
    hasten_handshakes(send)
    assert site.hastened
    await client.close()
