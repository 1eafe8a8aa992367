"""A burst of lines reaches every reader whole, on layers that drop and on those that don't."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tests.integration.streams.reading import BOTH, ended, read_until

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from tests.integration.streams.reading import Stream

LINES = 1_000
READERS = 100


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
        told = await asyncio.gather(*[read_until(feed, ended) for feed in feeds])
        await publishing
    reading = stream.store.read(task.task_id, 0)
    assert reading is not None
    written = [message.json for message in reading.messages]
    assert len(written) == LINES + 2
    for messages in told:
        assert [message.json for message in messages] == written
