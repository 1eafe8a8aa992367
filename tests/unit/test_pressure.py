"""What a client leaves unread, and writing at once, on real connections of Twisted's."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from twisted.internet.protocol import Protocol

from taskstatus.pressure import unsent_bytes, write_at_once
from tests.harness.twisted import (
    BIG,
    TIMEOUT_SECONDS,
    Connection,
    handle_reply,
    twisted_connection,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    """Yield a connection of Twisted's."""
    async with twisted_connection() as connection:
        yield connection


def say(connection: Connection, *messages: bytes) -> None:
    """Send messages as an application does."""
    for message in messages:
        connection.send({"bytes": message})


async def test_what_the_network_takes_is_there_before_the_loop_turns(
    connection: Connection,
) -> None:
    """The client can read it at once, and nothing was asked of the event loop."""
    write_at_once(connection.send)
    say(connection, b"one", b"two")
    assert connection.client.recv(100) == b"onetwo"
    assert connection.asked == 0
    assert connection.unsent() == 0


async def test_without_it_the_loop_has_to_turn(connection: Connection) -> None:
    """That is what Twisted does; once it no longer does, all this can go."""
    say(connection, b"one")
    with pytest.raises(BlockingIOError):
        connection.client.recv(100)
    assert connection.asked == 1
    assert await connection.read(3) == b"one"


@pytest.mark.parametrize("behind", [0, 1_000])
async def test_what_does_not_fit_waits_and_keeps_its_place(
    connection: Connection, behind: int
) -> None:
    """A message larger than any buffer arrives whole, with those before and behind it in order."""
    write_at_once(connection.send)
    big = bytes(range(256)) * (BIG // 256)
    small = [b"%d;" % number for number in range(behind)]
    say(connection, b"first;", big, *small)
    assert connection.unsent() > BIG // 2
    whole = b"first;" + big + b"".join(small)
    assert await connection.read(len(whole)) == whole
    assert connection.unsent() == 0
    say(connection, b"last")
    assert connection.client.recv(100) == b"last"


async def test_nothing_is_tried_while_others_wait(connection: Connection) -> None:
    """The network has just refused; the event loop says when it takes more."""
    write_at_once(connection.send)
    say(connection, bytes(BIG))
    tries, write = 0, connection.transport.writeSomeData

    def trying(data: bytes) -> Any:
        nonlocal tries
        tries += 1
        return write(data)

    connection.transport.writeSomeData = trying
    say(connection, *[b"small"] * 100)
    assert tries == 0
    assert len(await connection.read(BIG + 500)) == BIG + 500


async def test_messages_that_come_while_others_wait_go_behind_them(
    connection: Connection,
) -> None:
    """The client reads slowly, and more is said all the time."""
    write_at_once(connection.send)
    said = b""
    say(connection, bytes(BIG))
    heard = b""
    for number in range(200):
        line = b"line %d;" % number
        said += line
        say(connection, line)
        heard += await connection.read(BIG // 200)
    heard += await connection.read(BIG + len(said) - len(heard))
    assert heard == bytes(BIG) + said


@pytest.mark.parametrize("size", [0, 3, BIG])
async def test_connection_is_closed_once_all_is_sent(connection: Connection, size: int) -> None:
    """Also when all was sent long before: then Twisted has nothing to write and has to be asked."""
    write_at_once(connection.send)
    say(connection, bytes(size))
    connection.transport.loseConnection()
    assert len(await connection.read(BIG + 1)) == size
    await asyncio.wait_for(connection.protocol.lost.wait(), TIMEOUT_SECONDS)


async def test_client_that_has_gone_is_noticed(connection: Connection) -> None:
    """Writing to it raises nothing, and Twisted ends the connection."""
    write_at_once(connection.send)
    connection.client.close()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not connection.protocol.lost.is_set():
            say(connection, b"anybody there?")
            await asyncio.sleep(0)


async def test_two_requests_of_one_connection_install_it_once(connection: Connection) -> None:
    """A connection is kept alive for many; each of them comes by here."""
    write_at_once(connection.send)
    installed = connection.transport.startWriting
    write_at_once(connection.send)
    assert connection.transport.startWriting is installed


class _Other:
    """Another server's connection, whose names are not Twisted's."""

    def __init__(self) -> None:
        self.transport = self
        self.startWriting = self.wait = lambda: None

    async def send(self, message: dict[str, Any]) -> None:
        """Send."""


@pytest.mark.parametrize("with_partial", [False, True])
def test_other_servers_are_left_alone(*, with_partial: bool) -> None:
    """Nothing can be seen there, and nothing is touched."""
    server = _Other()
    before = dict(vars(server))
    send = partial(_Other.send, server) if with_partial else server.send
    write_at_once(send)
    assert vars(server) == before
    assert unsent_bytes(send)() == 0


def test_connection_that_is_not_there_yet_is_left_alone() -> None:
    """Neither is a partial that is nobody's."""
    for send in (partial(handle_reply), partial(handle_reply, Protocol())):
        write_at_once(send)
        assert unsent_bytes(send)() == 0
