"""Sending without a task switch: in order, to the end, and failures come out."""

from __future__ import annotations

import asyncio
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from taskstatus.pressure import unsent_bytes, watch_frames
from taskstatus.writer import Writer


class Client:
    """A server's ``send`` for one client, which waits while the gate is shut."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.raises: Exception | None = None

    async def send(self, message: dict[str, Any]) -> None:
        """Take a message."""
        await self.gate.wait()
        if self.raises is not None:
            raise self.raises
        self.sent.append(message["number"])


def message(number: int) -> dict[str, Any]:
    """Return a message."""
    return {"type": "websocket.send", "number": number}


async def test_client_that_keeps_up_is_sent_to_at_once() -> None:
    """No task is made, and the message is out when the call returns."""
    client = Client()
    writer = Writer(client.send)
    before = len(asyncio.all_tasks())
    for number in range(3):
        assert writer.try_send(message(number))
    assert client.sent == [0, 1, 2]
    assert len(asyncio.all_tasks()) == before
    await writer.drain()


async def test_client_that_waits_is_sent_to_once_it_can() -> None:
    """The first message waits, the next is not taken, and nothing comes twice."""
    client = Client()
    client.gate.clear()
    writer = Writer(client.send)
    assert writer.try_send(message(1))
    assert not writer.try_send(message(2))
    draining = asyncio.ensure_future(writer.drain())
    await asyncio.sleep(0)
    assert client.sent == []
    client.gate.set()
    await draining
    assert client.sent == [1]
    assert writer.try_send(message(2))
    assert client.sent == [1, 2]


@pytest.mark.parametrize("waits", [False, True])
async def test_failure_comes_out_of_the_next_drain(*, waits: bool) -> None:
    """Whoever hands messages to a thousand clients must not stop at a broken one."""
    client = Client()
    client.raises = ConnectionResetError("gone")
    writer = Writer(client.send)
    if waits:
        client.gate.clear()
    assert writer.try_send(message(1))
    client.gate.set()
    with pytest.raises(ConnectionResetError):
        await writer.drain()
    assert not writer.try_send(message(2))
    assert client.sent == []


async def test_waiting_message_can_be_given_up() -> None:
    """A connection that ends leaves no task behind."""
    client = Client()
    client.gate.clear()
    writer = Writer(client.send)
    before = asyncio.all_tasks()
    writer.try_send(message(1))
    writer.give_up()
    await writer.drain()
    assert asyncio.all_tasks() == before
    client.gate.set()
    assert client.sent == []


async def test_send_may_wait_more_than_once() -> None:
    """A server that takes several steps is followed through all of them."""
    sent: list[str] = []

    async def send(message: dict[str, Any]) -> None:
        for step in range(5):
            await asyncio.sleep(0)
            sent.append(f"{message['number']}.{step}")

    writer = Writer(send)
    assert writer.try_send(message(1))
    await writer.drain()
    assert sent == ["1.0", "1.1", "1.2", "1.3", "1.4"]


def test_daphne_s_unsent_bytes_are_seen() -> None:
    """What Twisted holds for a client is counted, in both of its buffers."""
    transport = SimpleNamespace(_tempDataLen=10, dataBuffer=b"12345", offset=2)
    protocol = SimpleNamespace(transport=transport)
    assert unsent_bytes(partial(print, protocol))() == 13


@pytest.mark.parametrize(
    "send",
    [print, partial(print), partial(print, object()), partial(print, SimpleNamespace(transport=1))],
)
def test_other_servers_hold_nothing_that_is_seen(send: Any) -> None:
    """Their own back-pressure has to do."""
    assert unsent_bytes(send)() == 0


def test_daphne_is_told_to_bound_messages_and_to_say_why_it_closes() -> None:
    """On other servers, which do so by themselves, nothing is touched."""
    protocol = SimpleNamespace(failByDrop=True, maxMessagePayloadSize=0, maxFramePayloadSize=0)
    watch_frames(partial(print, protocol), 100)
    assert vars(protocol) == {
        "failByDrop": False,
        "maxMessagePayloadSize": 100,
        "maxFramePayloadSize": 100,
    }
    other = SimpleNamespace()
    watch_frames(partial(print, other), 100)
    watch_frames(print, 100)
    assert vars(other) == {}
