"""A client who comes back with a cursor need not cost a question to the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from taskstatus.feed import follow
from tests.integration.streams.layers import messages_only
from tests.integration.streams.reading import BOTH, UNIT, ended, eventually, read_until, states

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import pytest

    from taskstatus.feed import Feed
    from taskstatus.stores import Reading
    from taskstatus.testing import TaskDriver
    from tests.integration.streams.reading import Stream


class Asked:
    """How often the store has been asked for a task."""

    def __init__(self, stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        self._read = stream.store.aread
        monkeypatch.setattr(stream.store, "aread", self._count)

    async def _count(
        self, task_id: str, after: int | None = None, *, newer: bool = False
    ) -> Reading | None:
        self.times += 1
        return await self._read(task_id, after, newer=newer)


def come_back(stream: Stream, task: TaskDriver, after: int) -> AbstractAsyncContextManager[Feed]:
    """Follow a task from a cursor, as a client does who waits for what is new."""
    return follow(task.task_id, after=after, types=BOTH, hub=stream.hub, recall=True)


async def cursor_of(stream: Stream, task: TaskDriver) -> int:
    """Return the cursor of a client who has been answered, and has come back once."""
    async with stream.follow(task) as feed:
        cursor = (await feed.batch(0))[-1].version
    async with come_back(stream, task, cursor):
        return cursor


async def test_who_comes_back_is_answered_from_what_was_heard(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was said between two polls, in order and whole, and the end."""
    task = stream.task()
    task.started()
    cursor = await cursor_of(stream, task)
    asked = Asked(stream, monkeypatch)
    async with stream.hub.subscribe(task.task_id) as others:
        task.log("one")
        task.progress(1, 2)
        await eventually(lambda: len(others.take()) > 0)
        async with come_back(stream, task, cursor) as feed:
            told = await read_until(feed, lambda messages: len(messages) == 2)
        assert states(told) == ["log", "PROGRESS"]
        async with come_back(stream, task, told[-1].version) as feed:
            task.success()
            assert states(await read_until(feed, ended)) == ["SUCCESS"]
    assert asked.times == 0


async def test_what_was_not_heard_is_the_store_s_to_tell(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a loss, as soon as it shows, or at the latest when reconciling."""
    task = stream.task()
    task.started()
    cursor = await cursor_of(stream, task)
    stream.tap.loses = messages_only
    task.log("lost")
    await eventually(lambda: bool(stream.tap.lost))
    stream.tap.loses = None
    async with come_back(stream, task, cursor) as feed:
        waiting = asyncio.ensure_future(feed.batch(400 * UNIT))
        await stream.hub.reconcile()
        assert [message.kind for message in await waiting] == ["log"]
    asked = Asked(stream, monkeypatch)
    async with come_back(stream, task, cursor) as feed:
        assert [message.kind for message in await feed.batch(0)] == ["log"]
    assert asked.times == 1


async def test_a_cursor_from_elsewhere_is_the_store_s_to_judge(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is too old or too new for what was heard here."""
    task = stream.task()
    task.started()
    cursor = await cursor_of(stream, task)
    asked = Asked(stream, monkeypatch)
    for other in (cursor - 1, cursor + 1):
        async with come_back(stream, task, other) as feed:
            assert [message.version for message in await feed.batch(0)] == [cursor]
    assert asked.times == 2


async def test_what_was_heard_is_forgotten_with_the_group(stream: Stream) -> None:
    """Nothing is kept of a task that nobody comes back to."""
    task = stream.task()
    task.started()
    await cursor_of(stream, task)
    await stream.hub.aclose()
    assert not stream.hub._watches
