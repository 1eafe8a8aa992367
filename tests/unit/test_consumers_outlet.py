"""Where a connection's messages go: in order, at the client's pace, until it is closed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from taskstatus.consumers import outlet as module
from taskstatus.consumers.outlet import Gone, Outlet
from taskstatus.exceptions import SlowReader
from taskstatus.pressure import MAX_UNSENT_BYTES

UNIT = 0.02


class Client:
    """A server's ``send`` for one client, which waits while the gate is shut."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.unsent = 0
        self.outlet = Outlet({"taskstatus.unsent": lambda: self.unsent}, self.send)

    async def send(self, message: dict[str, Any]) -> None:
        """Take a message."""
        await self.gate.wait()
        self.sent.append(message["number"])


@pytest.fixture
def client() -> Client:
    """Return a client that keeps up."""
    return Client()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a slow client be waited for a few units only."""
    monkeypatch.setattr(module, "STUCK_SECONDS", 5 * UNIT)
    monkeypatch.setattr(module, "RELIEF_SECONDS", UNIT)


@pytest.mark.parametrize(
    ("unsent", "pressed"),
    [(0, False), (MAX_UNSENT_BYTES, False), (MAX_UNSENT_BYTES + 1, True)],
)
def test_client_that_leaves_too_much_unread_is_slow(
    client: Client, unsent: int, *, pressed: bool
) -> None:
    """What the server holds for it is looked at before each message."""
    client.unsent = unsent
    assert client.outlet.pressed is pressed
    assert client.outlet.offer({"number": 1}) is not pressed
    if pressed:
        with pytest.raises(SlowReader):
            client.outlet.check()
    else:
        client.outlet.check()


async def test_server_that_does_not_say_sees_to_it_itself(client: Client) -> None:
    """Where nothing is known of what it holds, nothing presses."""
    outlet = Outlet({}, client.send)
    assert outlet.offer({"number": 1})
    outlet.check()
    await outlet.relief()
    assert client.sent == [1]


async def test_messages_that_are_sent_keep_their_order(client: Client) -> None:
    """Several senders wait for each other where the client makes them wait."""
    client.gate.clear()
    assert client.outlet.offer({"number": 0})
    sending = [asyncio.create_task(client.outlet.send({"number": n})) for n in (1, 2, 3)]
    await asyncio.sleep(0)
    assert not client.outlet.offer({"number": 4})
    client.gate.set()
    await asyncio.gather(*sending)
    assert client.sent == [0, 1, 2, 3]


@pytest.mark.usefixtures("impatient")
async def test_client_that_is_relieved_in_time_goes_on(client: Client) -> None:
    """Nothing is sent while too much waits for it."""
    client.unsent = MAX_UNSENT_BYTES + 1
    waiting = asyncio.create_task(client.outlet.ready())
    await asyncio.sleep(2 * UNIT)
    assert not waiting.done()
    client.unsent = 0
    await waiting
    assert client.outlet.offer({"number": 1})


@pytest.mark.usefixtures("impatient")
async def test_client_that_takes_nothing_is_too_slow(client: Client) -> None:
    """It is waited for, but not for ever."""
    client.unsent = MAX_UNSENT_BYTES + 1
    with pytest.raises(SlowReader):
        await client.outlet.ready()
    await client.outlet.relief()


async def test_client_that_has_gone_is_no_error_of_ours() -> None:
    """Whatever the server raises when it is written to; the cause is kept."""

    async def send(message: dict[str, Any]) -> None:
        raise RuntimeError("closed")

    outlet = Outlet({}, send)
    assert outlet.offer({"number": 1})
    for action in (outlet.ready, outlet.drain, lambda: outlet.send({"number": 2})):
        with pytest.raises(Gone) as gone:
            await action()
        assert str(gone.value.__cause__) == "closed"


async def test_closed_outlet_takes_nothing(client: Client) -> None:
    """What waits is given up, and nobody is kept waiting."""
    client.gate.clear()
    assert client.outlet.offer({"number": 1})
    client.outlet.close()
    assert not client.outlet.offer({"number": 2})
    await client.outlet.send({"number": 3})
    await client.outlet.ready()
    client.gate.set()
    assert client.sent == []
