"""A burst of lines reaches every reader whole, on layers that drop and on those that don't."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.integration.streams.reading import BOTH, ended, read_until, states

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from tests.integration.streams.reading import Stream

LINES = 1_000
READERS = 100
#: Where most is dropped, each reader reads most of it from the store. This alone is work for four
#: seconds, and for much longer where others work as well.
BURST_SECONDS = 90


@pytest.mark.traps  # the core layer holds 100 messages a process
async def test_burst_of_lines_is_lost_to_nobody(stream: Stream, settings: Settings) -> None:
    """A thousand lines to a hundred readers: each has all of them, in order, once."""
    # Layers with a bounded channel drop most of it, the last message perhaps among it.
    settings.TASKSTATUS_RECONCILE_SECONDS = 0.5
    settings.TASKSTATUS_MAX_EVENTS = LINES + 10
    task = stream.task()
    task.started()

    def burst() -> None:
        for number in range(LINES):
            task.log(f"line {number}")
        task.success()

    async with contextlib.AsyncExitStack() as stack:
        opened = [
            stack.enter_async_context(stream.follow(task, types=BOTH)) for _ in range(READERS)
        ]
        feeds = await asyncio.gather(*opened)
        publishing = asyncio.create_task(asyncio.to_thread(burst))
        told = await asyncio.gather(*[read_until(feed, ended, BURST_SECONDS) for feed in feeds])
        await publishing
    reading = stream.store.read(task.task_id, 0)
    assert reading is not None
    written = [message.json for message in reading.messages]
    assert len(written) == LINES + 2
    for messages in told:
        assert [message.json for message in messages] == written


@pytest.mark.traps  # the core layer loses messages when another consumer of the process leaves
async def test_readers_that_come_and_go_cost_the_others_nothing(
    stream: Stream, settings: Settings
) -> None:
    """While lines are written, readers of this and of other tasks arrive and leave."""
    settings.TASKSTATUS_MAX_EVENTS = LINES + 10
    task, other = stream.task(), stream.task()
    task.started()
    other.started()

    def write() -> None:
        for number in range(LINES // 5):
            task.log(f"line {number}")
        task.success()

    async def come_and_go() -> None:
        for number in range(1_000):
            async with stream.follow((task, other)[number % 2], types=BOTH) as feed:
                await feed.batch(0)
            await asyncio.sleep(0)

    async with stream.follow(task, types=BOTH) as feed:
        churn = asyncio.create_task(come_and_go())
        writing = asyncio.create_task(asyncio.to_thread(write))
        told = await read_until(feed, ended)
        churn.cancel()
        await asyncio.wait([churn, writing])
    assert states(told) == ["STARTED", *["log"] * (LINES // 5), "SUCCESS"]
