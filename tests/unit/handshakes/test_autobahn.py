"""How Daphne accepts WebSockets without texts for a log, on its own server and protocols."""

from __future__ import annotations

import pprint
from functools import partial
from typing import TYPE_CHECKING, Any

import autobahn.twisted.websocket
import autobahn.util
import autobahn.websocket.protocol
import pytest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from taskstatus.handshakes import hasten_handshakes
from tests.harness.daphne import UPGRADE, Daphne

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
    daphne.stop()


def _options(protocol: Any) -> dict[str, Any]:
    names = WebSocketProtocol.CONFIG_ATTRS
    assert len(names) > 20
    return {name: getattr(protocol, name) for name in names}


async def test_next_websocket_has_the_same_options_and_none_of_its_own(daphne: Daphne) -> None:
    """They are what the factory says."""
    before = _options(daphne.protocol)
    hasten_handshakes(daphne.send)
    protocol = await daphne.another()
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
    await daphne.another()
    assert any(described)
    described.clear()
    hasten_handshakes(daphne.send)
    await daphne.another()
    assert not any(described)


async def test_colours_are_added_when_the_log_is_read(
    daphne: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text is the same then, and none is made where the log is off."""
    modules = (autobahn.websocket.protocol, autobahn.twisted.websocket)
    for module in modules:
        for name in ("hltype", "hlval"):
            monkeypatch.setattr(module, name, getattr(autobahn.util, name))
    coloured: list[Any] = []
    colour: Any = autobahn.util.hl

    def note(thing: Any, **options: Any) -> str:
        coloured.append(thing)
        return str(colour(thing, **options))

    monkeypatch.setattr(autobahn.util, "hl", note)
    await daphne.another()
    assert coloured
    hasten_handshakes(daphne.send)
    coloured.clear()
    await daphne.another()
    assert coloured == []
    for module in modules:
        for name, thing in (("hltype", daphne.open), ("hlval", 7)):
            late, at_once = getattr(module, name)(thing), getattr(autobahn.util, name)(thing)
            assert f"{late}" == at_once


async def test_option_of_one_connection_stays_its_own(daphne: Daphne) -> None:
    """As ``watch_frames()`` sets some."""
    hasten_handshakes(daphne.send)
    one = await daphne.another()
    one.maxMessagePayloadSize = 7
    other = await daphne.another()
    assert other.maxMessagePayloadSize == 0


async def test_function_among_the_options_is_called_as_before(daphne: Daphne) -> None:
    """It decides about compression, and knows of no connection."""
    daphne.server.ws_factory.setProtocolOptions(perMessageCompressionAccept=lambda offers: None)
    hasten_handshakes(daphne.send)
    protocol = await daphne.another(COMPRESSING)
    assert protocol.state == protocol.STATE_OPEN
    assert protocol.websocket_extensions


async def test_it_is_done_once(daphne: Daphne) -> None:
    """However many connections come."""
    hasten_handshakes(daphne.send)
    made = daphne.server.ws_factory.protocol
    assert made is not WebSocketProtocol
    assert (made.__module__, made.__qualname__) == (
        WebSocketProtocol.__module__,
        WebSocketProtocol.__qualname__,
    )
    hasten_handshakes(daphne.send)
    await daphne.another()
    hasten_handshakes(daphne.send)
    assert daphne.server.ws_factory.protocol is made
    assert WebSocketFactory.protocol is WebSocketProtocol
    # Another server in this process finds the colours as they are.
    other = await Daphne().open()
    hasten_handshakes(other.send)
    assert vars(autobahn.websocket.protocol)["hltype"].args == (autobahn.util.hltype,)
    other.serving.cancel()


async def test_autobahn_with_other_options_is_left_alone(
    daphne: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the factory lacks one, who knows how they are found."""
    names = [*WebSocketProtocol.CONFIG_ATTRS, "unheardOf"]
    monkeypatch.setattr(WebSocketProtocol, "CONFIG_ATTRS", names)
    hasten_handshakes(daphne.send)
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
    hasten_handshakes(send)
