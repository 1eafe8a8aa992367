"""A client that keeps up is written to as messages come; all else comes as ever."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.integration.streams.reading import BOTH, UNIT, ended, eventually, read_until, states

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskstatus.feed import Feed
    from taskstatus.messages import Message
    from taskstatus.testing import TaskDriver
    from tests.integration.streams.reading import Stream


class Client:
    """A client that is written to, unless it is busy."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.told: list[Message] = []
        self.directly = 0
        self.busy = False

    def write(self, message: Message) -> bool:
        """Take a message, or don't."""
        if self.busy:
            return False
        self.told.append(message)
        self.directly += 1
        return True

    async def read(self) -> None:
        """Read to the end, as a consumer does."""
        self.feed.write_through(self.write)
        while not self.feed.ended:
            self.told += await self.feed.batch(100 * UNIT)


@pytest.fixture
async def task(stream: Stream) -> TaskDriver:
    """Return a task that has started."""
    task = stream.task()
    task.started()
    return task


@contextlib.asynccontextmanager
async def reading(stream: Stream, task: TaskDriver) -> AsyncIterator[tuple[Client, Feed]]:
    """Have a client read to the end; yield it once it waits for news."""
    async with stream.follow(task, types=BOTH) as feed:
        client = Client(feed)
        consumer = asyncio.create_task(client.read())
        mailbox = feed._subscription
        assert mailbox is not None
        await eventually(lambda: mailbox._waiter is not None)
        yield client, feed
        async with asyncio.timeout(400 * UNIT):
            await consumer


async def test_waiting_client_is_written_to_directly(stream: Stream, task: TaskDriver) -> None:
    """The reader is not woken for it, and the end still comes through it."""
    async with reading(stream, task) as (client, feed):
        for number in range(5):
            task.log(str(number))
            await eventually(lambda: len(client.told) == number + 2)  # noqa: B023 - called at once
        assert client.directly == 5
        assert feed.cursor == client.told[-1].cursor
        task.success()
    assert states(client.told) == ["STARTED", *["log"] * 5, "SUCCESS"]
    assert client.directly == 5


async def test_busy_client_gets_its_messages_in_order(stream: Stream, task: TaskDriver) -> None:
    """What it does not take directly waits, and what comes after that waits behind it."""
    async with reading(stream, task) as (client, _):
        for number in range(30):
            client.busy = number % 3 == 1
            task.log(str(number))
            await asyncio.sleep(0)
        client.busy = False
        task.success()
    assert states(client.told) == ["STARTED", *["log"] * 30, "SUCCESS"]
    versions = [message.version for message in client.told]
    assert versions == sorted(set(versions))


async def test_gap_is_never_written_through(stream: Stream, task: TaskDriver) -> None:
    """A message that does not follow on waits until the log has been read."""
    async with reading(stream, task) as (client, _):
        stream.tap.loses = lambda message: '"lost"' in message.get("json", "")
        task.log("lost")
        task.log("heard")
        await eventually(lambda: len(client.told) == 3)
        task.success()
    assert states(client.told) == ["STARTED", "log", "log", "SUCCESS"]


async def test_client_of_states_is_not_written_lines(stream: Stream, task: TaskDriver) -> None:
    """Lines pass by, and leave the client up to date."""
    async with stream.follow(task) as feed:
        client = Client(feed)
        consumer = asyncio.create_task(client.read())
        for number in range(5):
            task.log(str(number))
        task.custom("PARSING")
        task.success()
        async with asyncio.timeout(400 * UNIT):
            await consumer
    assert states(client.told) == ["STARTED", "PARSING", "SUCCESS"]


async def test_two_clients_of_one_task_are_independent(stream: Stream, task: TaskDriver) -> None:
    """One that is slow holds up nobody."""
    async with reading(stream, task) as (fast, _), stream.follow(task, types=BOTH) as slow:
        for number in range(20):
            task.log(str(number))
        task.success()
        await eventually(lambda: ended(fast.told))
        assert len(await read_until(slow, ended)) == 22
