"""What Daphne's checkers look at, on Daphne's own server and connections."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from functools import partial
from typing import Any

import pytest
from daphne.server import Server

from taskstatus.checkups import Connections, check_always, check_when_due
from tests.harness.daphne import (
    GET,
    PART,
    TIMEOUT_SECONDS,
    UPGRADE,
    Daphne,
)

PING = b"\x89"


@pytest.mark.parametrize("request_", [UPGRADE, GET])
async def test_open_stream_is_not_looked_at(request_: bytes) -> None:
    """It is there, for everything else that Daphne does with it."""
    daphne = await Daphne().open(request_)
    assert daphne.shown == []
    assert daphne.server.connections.keys() == []
    assert [*daphne.server.connections] == [daphne.protocol]
    await daphne.send({"type": "websocket.send", "text": "hello"} if request_ is UPGRADE else PART)
    assert daphne.transport.value()
    daphne.serving.cancel()


async def test_ping_is_sent_when_it_is_due() -> None:
    """And the next one when that is due."""
    daphne = await Daphne(ping_interval=20).open()
    daphne.server.timeout_checker()
    assert daphne.transport.value() == b""
    for _ in range(3):
        daphne.long_ago(21)
        daphne.server.timeout_checker()
        assert daphne.transport.value()[:1] == PING
        daphne.transport.clear()
        # Its next date is noted.
        daphne.server.timeout_checker()
        assert daphne.transport.value() == b""
    daphne.serving.cancel()


async def test_date_that_has_moved_is_looked_at_again() -> None:
    """What a client sends puts off the ping."""
    daphne = await Daphne(ping_interval=20).open()
    daphne.long_ago(21)
    daphne.protocol.last_ping = time.time() - 19.5
    daphne.server.timeout_checker()
    assert daphne.transport.value() == b""
    daphne.protocol.last_ping -= 1
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while daphne.transport.value()[:1] != PING:
            daphne.server.timeout_checker()
            await asyncio.sleep(0.01)
    daphne.serving.cancel()


async def test_websocket_is_closed_when_its_time_is_over() -> None:
    """By Daphne's own --websocket_timeout."""
    daphne = await Daphne(websocket_timeout=100).open()
    daphne.long_ago(101)
    daphne.server.timeout_checker()
    assert b"\x88" in daphne.transport.value()
    daphne.serving.cancel()


async def test_websocket_without_an_end_has_none() -> None:
    """A negative timeout is none."""
    daphne = await Daphne(websocket_timeout=-1).open()
    daphne.long_ago(1_000_000)
    daphne.server.timeout_checker()
    assert daphne.transport.value()[:1] == PING
    daphne.serving.cancel()


async def test_response_is_ended_when_its_time_is_over() -> None:
    """By Daphne's own --http-timeout."""
    daphne = await Daphne(http_timeout=100).open(GET)
    daphne.long_ago(101)
    daphne.server.timeout_checker()
    assert daphne.transport.value().endswith(b"0\r\n\r\n")
    daphne.serving.cancel()


@pytest.mark.parametrize("request_", [UPGRADE, GET])
async def test_closed_connection_is_removed(request_: bytes) -> None:
    """As soon as its application has ended."""
    daphne = await Daphne().open(request_)
    daphne.transport.loseConnection()
    assert daphne.shown == [daphne.protocol]
    daphne.serving.cancel()
    await daphne.end()
    daphne.server.application_checker()
    assert not daphne.server.connections
    assert daphne.shown == daphne.server.connections.keys() == []


async def test_application_that_lingers_is_killed() -> None:
    """By Daphne's own --application-close-timeout, although it rested until it was disconnected."""
    daphne = await Daphne(application_close_timeout=-1).open()
    serving = daphne.serving
    daphne.server.application_checker()
    assert not serving.cancelling()
    daphne.transport.loseConnection()
    daphne.server.application_checker()
    await daphne.end()
    assert serving.cancelled()


async def test_connection_that_is_closed_already_does_not_rest() -> None:
    """Nobody would see that its application lingers."""
    daphne = await Daphne().open()
    daphne.transport.loseConnection()
    check_when_due(daphne.send)
    assert daphne.shown == [daphne.protocol]
    daphne.serving.cancel()


async def test_exception_of_an_application_is_answered_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever waits for an answer gets one."""
    failing = asyncio.Event()

    async def fail() -> None:
        await failing.wait()
        raise OSError("no disk")

    daphne = Daphne()
    daphne.then = fail
    await daphne.open()
    failing.set()
    await daphne.end()
    daphne.server.application_checker()
    assert daphne.transport.value()[:1] == b"\x88"
    assert "no disk" in caplog.text


async def test_applications_at_rest_are_stopped_with_the_server() -> None:
    """All of them."""
    daphne = await Daphne().open()
    stopped = daphne.server.kill_all_applications()
    await stopped.asFuture(asyncio.get_running_loop())
    assert daphne.serving.cancelled()


async def test_request_that_became_a_websocket_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its channel stays, as what Twisted pauses when the client does not read."""
    made: list[weakref.ref[Any]] = []
    connected = Server.protocol_connected

    def connect(server: Any, protocol: Any) -> None:
        made.append(weakref.ref(protocol))
        connected(server, protocol)

    monkeypatch.setattr(Server, "protocol_connected", connect)
    daphne = await Daphne().open()
    request, websocket = made
    assert request() is None
    assert websocket() is daphne.protocol
    daphne.transport.producer.pauseProducing()
    daphne.transport.producer.resumeProducing()
    daphne.serving.cancel()


async def test_websocket_that_is_closed_goes() -> None:
    """Without a circle it does not wait for Python's collector."""
    daphne = await Daphne().open()
    gone = weakref.ref(daphne.protocol)
    daphne.serving.cancel()
    await daphne.end()
    daphne.transport.loseConnection()
    daphne.server.application_checker()
    daphne.send = None
    del daphne.transport.protocol
    gc.disable()
    try:
        await asyncio.sleep(0)
        assert gone() is None
    finally:
        gc.enable()


class _Other:
    """Another server, whose names are not Daphne's."""

    def __init__(self) -> None:
        self.connections: dict[Any, Any] = {self: {}}

    async def send(self, protocol: Any, message: dict[str, Any]) -> None:
        """Send."""


@pytest.mark.parametrize("with_partial", [False, True])
def test_other_servers_are_left_alone(*, with_partial: bool) -> None:
    """Whatever they call their connections."""
    server = _Other()
    for send in (partial(server.send, server) if with_partial else server.send, None):
        check_when_due(send)
        check_always(send)
    assert type(server.connections) is dict


async def test_daphne_with_connections_of_another_kind_is_left_alone() -> None:
    """What we don't know is not ours to replace."""

    class Known(dict[Any, Any]):
        pass

    daphne = Daphne()
    daphne.server.connections = Known()
    await daphne.open()
    assert type(daphne.server.connections) is Known
    assert daphne.shown == [daphne.protocol]
    daphne.serving.cancel()


async def test_second_stream_finds_the_same_connections() -> None:
    """They are replaced once."""
    daphne = await Daphne().open()
    connections = daphne.server.connections
    assert isinstance(connections, Connections)
    first = daphne.serving
    await daphne.open()
    assert daphne.server.connections is connections
    assert len(connections) == 2
    assert daphne.shown == []
    first.cancel()
    daphne.serving.cancel()
