"""A connection to Redis: whose answer is whose, and what happens when it is lost, on any loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from taskstatus import line as module
from taskstatus.line import Line
from taskstatus.resp import pack

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
TIMEOUT_SECONDS = 5.0


class Before(asyncio.Protocol):
    """Who has the connection before the line has it, as redis-py does."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it."""
        self.lost.set()


class Connected:
    """A line that is connected to a server which only listens, and what the server's side is."""

    def __init__(
        self, line: Line, transport: Any, before: Before, server: asyncio.StreamWriter
    ) -> None:
        self.line = line
        self.transport = transport
        self.before = before
        self.server = server


async def connect(take: Callable[[bytes], int] | None = None) -> Connected:
    """Return a connection that no line has taken over yet."""
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    transport, before = await asyncio.get_running_loop().create_connection(
        Before, *server.sockets[0].getsockname()
    )
    server.close()
    return Connected(Line(take or (lambda _: 0), lambda: None), transport, before, await accepted)


def run(loop: Callable[[], asyncio.AbstractEventLoop], main: Any) -> None:
    """Run a coroutine on a loop of this kind; what a callback raises there is raised."""
    raised: list[dict[str, Any]] = []

    async def bounded() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: raised.append(what))
        async with asyncio.timeout(TIMEOUT_SECONDS):
            connected = await connect()
            try:
                await main(connected)
            finally:
                connected.transport.abort()
                connected.server.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(bounded())
    assert not raised


@pytest.mark.parametrize("loop", LOOPS)
def test_join_at_the_moment_of_the_loss_harms_nobody(
    loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that were to go out in the same turn are for the next connection."""

    async def main(connected: Connected) -> None:
        line, later = connected.line, asyncio.Event()
        line.take_over(connected.transport)
        lost = line.connection_lost

        def join() -> None:
            line.send("SUBSCRIBE", [("a channel", None)])
            later.set()

        def losing(exc: Exception | None) -> None:
            lost(exc)
            asyncio.get_running_loop().call_soon(join)

        monkeypatch.setattr(line, "connection_lost", losing)
        attending = asyncio.create_task(line.attend(None))
        await asyncio.sleep(0)
        connected.server.close()
        await attending
        await later.wait()

    run(loop, main)


@pytest.mark.parametrize("loop", LOOPS)
def test_connection_that_was_lost_before_it_was_taken_over_is_given_up(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """Its loss was told to whoever had it then."""

    async def main(connected: Connected) -> None:
        connected.transport.abort()
        await connected.before.lost.wait()
        connected.line.take_over(connected.transport)
        connected.line.send("SUBSCRIBE", [("a channel", None)])
        await connected.line.attend(None)
        connected.server.close()

    run(loop, main)


@pytest.mark.parametrize("loop", LOOPS)
def test_each_answer_is_to_the_command_in_its_turn(
    loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel is joined when Redis has said so, not when it has said something else."""
    monkeypatch.setattr(module, "BUSY_SECONDS", 0)

    async def main(connected: Connected) -> None:
        line, loop = connected.line, asyncio.get_running_loop()
        line.take_over(connected.transport)
        first, second, third = (loop.create_future() for _ in range(3))
        line.send("SUBSCRIBE", [("first", first), ("second", second)])
        line.send("UNSUBSCRIBE", [("another", None)])
        line.send("SUBSCRIBE", [("third", third)])
        works = loop.create_future()
        attending = asyncio.create_task(line.attend(lambda: works.set_result(None)))
        await asyncio.sleep(0)
        due = [first, second, third, works]
        for answer, now_done in (
            (b"*3\r\n$9\r\nsubscribe\r\n$5\r\nfirst\r\n:1\r\n", 1),
            (b"*3\r\n$9\r\nsubscribe\r\n$6\r\nsecond\r\n:2\r\n", 2),
            (b"*3\r\n$11\r\nunsubscribe\r\n$7\r\nanother\r\n:2\r\n", 2),
            (b"*3\r\n$9\r\nsubscribe\r\n$5\r\nthird\r\n:3\r\n", 3),
            (b"*2\r\n$4\r\npong\r\n$0\r\n\r\n", 4),
        ):
            line.data_received(answer)
            assert [future.done() for future in due] == [n < now_done for n in range(4)]
        connected.server.close()
        await attending

    run(loop, main)


@pytest.mark.parametrize("loop", LOOPS)
def test_what_comes_fast_is_read_in_one_go(
    loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rest, in order and with nothing lost; what comes alone is there at once."""
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(module, "REST_SECONDS", 0.1)
    taken: list[bytes] = []
    came = asyncio.Event()

    def take(body: bytes) -> int:
        taken.append(body)
        came.set()
        return 1

    async def main(connected: Connected) -> None:
        connected.transport.abort()
        connected.server.close()
        connected = await connect(take)
        line, server = connected.line, connected.server
        line.take_over(connected.transport)
        reads: list[bytes] = []
        feed = line.data_received

        def receive(data: bytes) -> None:
            reads.append(data)
            feed(data)

        monkeypatch.setattr(line, "data_received", receive)
        line.take_over(connected.transport)
        for number in range(40):
            server.write(pack("message", "a channel", str(number)))
            await server.drain()
            if number < 2:
                await came.wait()
                came.clear()
        while len(taken) < 40:
            await came.wait()
            came.clear()
        assert taken == [b"%d" % number for number in range(40)]
        assert len(reads) < 10
        connected.transport.abort()
        server.close()

    run(loop, main)
