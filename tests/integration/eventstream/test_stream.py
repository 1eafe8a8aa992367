"""A live stream of django-eventstream: snapshot, news, the end, and what may go wrong between."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from taskstatus.eventstream import storage
from taskstatus.eventstream.names import channel_of
from taskstatus.exceptions import StoreUnavailable
from tests.integration.eventstream.stream import running

if TYPE_CHECKING:
    import pytest

    from taskstatus.stores import Reading, Store
    from taskstatus.stores.redis import RedisStore
    from taskstatus.testing import TaskDriver
    from tests.integration.eventstream.conftest import OpenStream


async def test_a_stream_is_live(open_stream: OpenStream, task: TaskDriver) -> None:
    """The snapshot comes first, then each message as it is published, the end among them."""
    task.started()
    async with open_stream(task) as stream:
        assert (await stream.next())["state"] == "STARTED"
        task.log("a line")
        assert (await stream.next())["message"] == "a line"
        task.success()
        assert (await stream.next())["state"] == "SUCCESS"


async def test_a_stream_rests_once_the_task_has_ended(
    open_stream: OpenStream, task: TaskDriver
) -> None:
    """At the end there is nothing left to do, however the stream has come there."""
    task.started()
    async with open_stream(task) as stream:
        await stream.next()
        task.success()
        end = await stream.next()
        while not await stream.is_quiet():
            pass
    async with open_stream(task, last_id=end["cursor"]) as stream:
        assert "stream-open" in await anext(stream.bodies)
        assert await stream.is_quiet()


async def test_streams_of_one_task_share_a_relay(open_stream: OpenStream, task: TaskDriver) -> None:
    """Each has all messages, and the task is followed once."""
    task.started()
    before = asyncio.all_tasks()
    async with open_stream(task) as one, open_stream(task) as two:
        assert await one.next() == await two.next()
        task.custom("CLEANUP")
        assert await one.next() == await two.next()
        assert len([task for task in running(before) if "_Relay" in repr(task)]) == 1


class FlakyStore:
    """Fails a number of reads, then gives what the store gives."""

    def __init__(self, store: Store) -> None:
        self.failures = 0
        self._store = store

    def read(
        self, task_id: str, after: int | None = None, *, newer: bool = False
    ) -> Reading | None:
        """See Store.read()."""
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable
        return self._store.read(task_id, after, newer=newer)


async def test_a_stream_survives_an_outage_of_the_store(
    open_stream: OpenStream,
    task: TaskDriver,
    store: RedisStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What could not be read when it came is read once the store is back, without more news."""
    flaky = FlakyStore(store)
    monkeypatch.setattr(storage, "get_store", lambda: flaky)
    task.started()
    async with open_stream(task) as stream:
        await stream.next()
        flaky.failures = 3
        task.success()
        assert (await stream.next())["state"] == "SUCCESS"
    assert not flaky.failures


async def test_a_stream_hears_of_a_task_that_begins_later(
    open_stream: OpenStream, task: TaskDriver
) -> None:
    """A stream of an unknown task carries it once it is known."""
    async with open_stream(task) as stream:
        assert "stream-open" in await anext(stream.bodies)
        task.pending()
        assert (await stream.next())["state"] == "PENDING"


async def test_a_stream_that_lost_its_position_goes_on_with_the_snapshot(
    open_stream: OpenStream, task: TaskDriver
) -> None:
    """After the reset comes the current status, without more news."""
    task.started()
    async with open_stream(task, last_id="17") as stream:
        assert await stream.next() == {"channels": [channel_of(task.task_id)]}
        assert (await stream.next())["state"] == "STARTED"


async def test_a_stream_ends_when_its_token_does(
    open_stream: OpenStream, task: TaskDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """News after the end of the access are not told."""
    task.started()
    async with open_stream(task) as stream:
        await stream.next()
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 100_000)
        task.log("secret")
        assert (await stream.next())["condition"] == "forbidden"
