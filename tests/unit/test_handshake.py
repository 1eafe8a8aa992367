"""How Daphne accepts WebSockets once they share their options, on its own server and protocols."""

from __future__ import annotations

import pprint
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from taskstatus.handshake import share_options
from tests.harness.daphne import UPGRADE, Daphne, transport_without_network

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

COMPRESSING = UPGRADE.replace(
    b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)


@pytest.fixture
async def daphne() -> AsyncIterator[Daphne]:
    """A server with one WebSocket open, which was accepted as ever."""
    daphne = await Daphne().open()
    yield daphne
    for details in daphne.server.connections.values():
        details["application_instance"].cancel()


async def _another(daphne: Daphne, request: bytes = UPGRADE) -> Any:
    """Open another WebSocket; return its protocol."""
    daphne.transport = transport_without_network()
    daphne.resting.clear()
    await daphne.open(request)
    return daphne.protocol


def _options(protocol: Any) -> dict[str, Any]:
    names = WebSocketProtocol.CONFIG_ATTRS
    assert len(names) > 20
    return {name: getattr(protocol, name) for name in names}


async def test_next_websocket_has_the_same_options_and_none_of_its_own(daphne: Daphne) -> None:
    """They are what the factory says."""
    before = _options(daphne.protocol)
    share_options(daphne.send)
    protocol = await _another(daphne)
    assert _options(protocol) == before
    assert not vars(protocol).keys() & {*before} - {"trackTimings"}


async def test_no_text_is_made_of_them(daphne: Daphne, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was for a log that nobody reads, and most of what it cost to accept a WebSocket."""
    described: list[Any] = []
    formatted = pprint.PrettyPrinter.pformat

    def describe(printer: Any, thing: Any) -> str:
        described.append(thing)
        return formatted(printer, thing)

    monkeypatch.setattr(pprint.PrettyPrinter, "pformat", describe)
    await _another(daphne)
    assert any(described)
    described.clear()
    share_options(daphne.send)
    await _another(daphne)
    assert not any(described)


async def test_option_of_one_connection_stays_its_own(daphne: Daphne) -> None:
    """As ``watch_frames()`` sets some."""
    share_options(daphne.send)
    one = await _another(daphne)
    one.maxMessagePayloadSize = 7
    other = await _another(daphne)
    assert other.maxMessagePayloadSize == 0


async def test_function_among_the_options_is_called_as_before(daphne: Daphne) -> None:
    """It decides about compression, and knows of no connection."""
    daphne.server.ws_factory.setProtocolOptions(perMessageCompressionAccept=lambda offers: None)
    share_options(daphne.send)
    protocol = await _another(daphne, COMPRESSING)
    assert protocol.state == protocol.STATE_OPEN
    assert protocol.websocket_extensions


async def test_it_is_done_once(daphne: Daphne) -> None:
    """However many connections come."""
    share_options(daphne.send)
    made = daphne.server.ws_factory.protocol
    assert made is not WebSocketProtocol
    assert (made.__module__, made.__qualname__) == (
        WebSocketProtocol.__module__,
        WebSocketProtocol.__qualname__,
    )
    share_options(daphne.send)
    await _another(daphne)
    share_options(daphne.send)
    assert daphne.server.ws_factory.protocol is made
    assert WebSocketFactory.protocol is WebSocketProtocol


async def test_autobahn_with_other_options_is_left_alone(
    daphne: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the factory lacks one, who knows how they are found."""
    names = [*WebSocketProtocol.CONFIG_ATTRS, "unheardOf"]
    monkeypatch.setattr(WebSocketProtocol, "CONFIG_ATTRS", names)
    share_options(daphne.send)
    assert daphne.server.ws_factory.protocol is WebSocketProtocol


class _Other:
    """Another server's connection."""

    factory = None

    async def send(self, message: dict[str, Any]) -> None:
        """Send."""


@pytest.mark.parametrize(
    "send", [None, _Other().send, partial(_Other.send, _Other()), partial(print)]
)
def test_other_servers_are_left_alone(send: Any) -> None:
    """Nothing is raised."""
    share_options(send)
