"""How Daphne's WebSockets are accepted at one go, on its own server and protocols."""

from __future__ import annotations

import asyncio
import gc
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
from daphne.http_protocol import HTTPFactory
from daphne.ws_protocol import WebSocketProtocol
from hypothesis import given
from twisted.internet import reactor
from twisted.protocols.policies import WrappingFactory
from twisted.web.http import HTTPChannel

from taskstatus.handshakes import daphne as module
from taskstatus.handshakes import hasten_handshakes
from taskstatus.handshakes.opening import read_opening
from tests.harness.daphne import GET, UPGRADE, Daphne, transport_without_network
from tests.unit.handshakes.handshake import FROM_A_BROWSER, PLAIN, handshake
from tests.unit.handshakes.test_opening import handshakes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HI = b"\x81\x82\x00\x00\x00\x00hi"


@pytest.fixture
async def daphne() -> AsyncIterator[Daphne]:
    """A server with one WebSocket open, which was accepted as ever, and the next are not."""
    daphne = await Daphne().open(PLAIN)
    hasten_handshakes(daphne.send)
    assert _is_hastened(daphne.server)
    yield daphne
    daphne.stop()


def _is_hastened(server: Any) -> bool:
    return isinstance(server.http_factory.protocol, partial)


def _at_one_go(protocol: Any) -> bool:
    """Return whether autobahn was given no request to parse."""
    return not hasattr(protocol, "http_request_data")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        FROM_A_BROWSER,
        handshake(b"X-One: 1", target=b"/root/ws/task_status/x%2Fy%C3%BC/?a=%20&b"),
    ],
)
async def test_client_and_application_are_told_the_same(data: bytes) -> None:
    """As by Twisted, Daphne and autobahn themselves."""
    daphne = await Daphne().open(data)
    before = daphne.answer, daphne.scope
    hasten_handshakes(daphne.send)
    protocol = await daphne.another(data)
    assert _at_one_go(protocol)
    assert daphne.answer.startswith(b"HTTP/1.1 101 ")
    assert (daphne.answer, daphne.scope) == before
    daphne.stop()


class _Recorder(Daphne):
    """Its application is never called; it keeps what that would be told."""

    def __init__(self) -> None:
        super().__init__()
        self.server.create_application = self._create
        self.scopes: list[Any] = []
        self.last: Any = None

    def _create(self, protocol: Any, scope: Any) -> asyncio.Queue[Any]:
        self.last = protocol
        self.scopes.append(scope)
        return asyncio.Queue()

    def told(self, data: bytes) -> list[Any]:
        """Return what an application is told of a client that sends this."""
        self.scopes = []
        self.connect().dataReceived(data)
        self.transport.loseConnection()
        self.server.connections.clear()
        return self.scopes


@given(handshakes())
def test_nothing_is_read_that_daphne_would_refuse_or_read_otherwise(data: bytes) -> None:
    """Through all three parsers."""
    if read_opening(data) is None:
        return
    recorder = _Recorder()
    before = recorder.told(data)
    assert [scope["type"] for scope in before] == ["websocket"]
    assert not _at_one_go(recorder.last)
    hasten_handshakes(partial(print, recorder.last))
    assert recorder.told(data) == before
    assert _at_one_go(recorder.last)


async def test_frames_go_both_ways(daphne: Daphne) -> None:
    """From the first one on."""
    heard: list[Any] = []
    protocol = await daphne.another(PLAIN)
    protocol.application_queue.put_nowait = heard.append
    daphne.transport.protocol.dataReceived(HI)
    assert heard == [{"type": "websocket.receive", "text": "hi"}]
    await daphne.send({"type": "websocket.send", "text": "hello"})
    assert daphne.transport.value() == b"\x81\x05hello"


def _timeouts() -> int:
    """Return how many channels would time out."""
    calls = cast("Any", reactor).getDelayedCalls()
    return sum(isinstance(getattr(call.func, "__self__", None), HTTPChannel) for call in calls)


async def test_nothing_is_left_of_the_request(daphne: Daphne) -> None:
    """Neither its timeout nor the channel, which Daphne holds as long as the connection."""
    before = _timeouts()
    protocol = await daphne.another(PLAIN)
    assert _timeouts() == before
    gc.collect()
    transport = daphne.transport
    assert transport.protocol is protocol
    assert transport.producer is None
    assert not [it for it in gc.get_referrers(transport) if isinstance(it, HTTPChannel)]


async def test_connection_that_is_lost_is_forgotten(daphne: Daphne) -> None:
    """The application hears of it, and Daphne lets both go."""
    gone = weakref.ref(await daphne.another(PLAIN))
    serving = daphne.serving
    daphne.transport.loseConnection()
    serving.cancel()
    await asyncio.wait([serving])
    daphne.server.application_checker()
    assert len(daphne.server.connections) == 1
    daphne.send = daphne.scope = None
    daphne.transport = transport_without_network()
    del serving
    gc.collect()
    assert gone() is None


async def test_application_may_refuse(daphne: Daphne) -> None:
    """With the status that Daphne has for it."""
    daphne.accept = {"type": "websocket.close"}
    protocol = await daphne.another(PLAIN)
    assert _at_one_go(protocol)
    assert daphne.answer.startswith(b"HTTP/1.1 403 Access denied\r\n")
    assert not daphne.transport.connected


async def test_failure_is_answered_without_a_word_of_it(
    daphne: Daphne, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where Daphne can't even call the application."""

    def fail(*_: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(WebSocketProtocol, "onConnect", fail)
    daphne.connect().dataReceived(PLAIN)
    transport = daphne.transport
    assert transport.value() == b"HTTP/1.1 500 Internal server error\r\n\r\n"
    assert not transport.connected
    assert "secret" in caplog.text


@pytest.mark.parametrize(
    "data",
    [
        UPGRADE,
        handshake(b"Sec-WebSocket-Protocol: one"),
        handshake(b"X_One: 1"),
    ],
)
async def test_what_is_out_of_the_ordinary_goes_daphnes_way(daphne: Daphne, data: bytes) -> None:
    """It is accepted all the same."""
    protocol = await daphne.another(data)
    assert daphne.answer.startswith(b"HTTP/1.1 101 ")
    assert not _at_one_go(protocol)


async def test_http_is_served_as_ever(daphne: Daphne) -> None:
    """Through the same door."""
    await daphne.another(GET)
    assert daphne.answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_handshake_in_pieces_goes_daphnes_way(daphne: Daphne) -> None:
    """What came first is Twisted's by then."""
    channel = daphne.connect()
    channel.dataReceived(PLAIN[:7])
    channel.dataReceived(PLAIN[7:])
    await daphne.rested()
    assert not _at_one_go(daphne.protocol)


async def test_where_something_is_in_between_it_goes_daphnes_way(daphne: Daphne) -> None:
    """As TLS is: what stands behind it is not the connection's own protocol."""
    wrapping: Any = WrappingFactory
    wrapper = daphne.connect(wrapping(daphne.server.http_factory))
    wrapper.dataReceived(PLAIN)
    await daphne.rested()
    assert not _at_one_go(daphne.protocol)
    assert daphne.transport.value().startswith(b"HTTP/1.1 101 ")
    assert wrapper.wrappedProtocol is daphne.protocol


async def test_it_is_done_once(daphne: Daphne) -> None:
    """However many connections come, and for this server only."""
    made = daphne.server.http_factory.protocol
    await daphne.another(PLAIN)
    hasten_handshakes(daphne.send)
    assert daphne.server.http_factory.protocol is made
    assert not isinstance(HTTPFactory.protocol, partial)


@pytest.mark.parametrize(
    "options",
    [{"allowedOrigins": ["https://a"]}, {"allowNullOrigin": False}, {"maxConnections": 9}],
)
async def test_server_that_is_to_refuse_some_is_left_alone(options: dict[str, Any]) -> None:
    """autobahn would look at origins, or count."""
    daphne = await Daphne().open(PLAIN)
    daphne.server.ws_factory.setProtocolOptions(**{"allowNullOrigin": True, **options})
    hasten_handshakes(daphne.send)
    assert not _is_hastened(daphne.server)
    daphne.serving.cancel()


async def test_another_twisted_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or another autobahn."""
    daphne = await Daphne().open(PLAIN)
    monkeypatch.setattr(module, "_CHANNEL", "twisted.web.http.Unheard")
    hasten_handshakes(daphne.send)
    assert not _is_hastened(daphne.server)
    monkeypatch.undo()
    monkeypatch.setattr(module, "_NAMES", ("unheard_of",))
    hasten_handshakes(daphne.send)
    assert not _is_hastened(daphne.server)
    daphne.serving.cancel()
