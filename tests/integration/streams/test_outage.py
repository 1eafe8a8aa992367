"""The store goes away, hangs, or loses its data under open feeds, and comes back."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from celery import current_app

from config.demo.redis_server import free_port
from taskstatus import publisher
from taskstatus.exceptions import StoreUnavailable
from tests.integration.streams.reading import BOTH, UNIT, ended, eventually, read_until, states

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pytest_django.fixtures import Settings

    from tests.harness.mortal import Mortal
    from tests.integration.streams.conftest import OpenStream
    from tests.integration.streams.reading import Stream

#: More than the store's own timeout, and the time that everything waits between two tries.
SOON = 60 * UNIT


@pytest.fixture(params=["pubsub", "core"])
async def mortal_stream(
    request: pytest.FixtureRequest, open_stream: OpenStream, mortal: Mortal, settings: Settings
) -> AsyncIterator[Stream]:
    """Yield a stream on each layer that goes through that Redis, and reconciles often."""
    settings.TASKSTATUS_RECONCILE_SECONDS = 2 * UNIT
    async with open_stream(request.param, mortal.url) as stream:
        yield stream


async def test_store_that_is_away_is_told_at_once(open_stream: OpenStream) -> None:
    """Who comes while the store is away hears so, and can come back later."""
    async with open_stream("pubsub", f"redis://127.0.0.1:{free_port()}") as stream:
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(SOON), stream.follow(stream.task()):
                pass
        assert stream.tap.added == []


async def test_publisher_goes_on_after_a_flush(mortal_stream: Stream, mortal: Mortal) -> None:
    """Readers get a reset snapshot that has all that the run knows, and then the rest."""
    task = mortal_stream.task()
    task.pending()
    task.started()
    async with mortal_stream.follow(task, types=BOTH) as feed:
        before = await feed.batch(0)
        mortal.order("FLUSHALL")
        task.progress(5, 10)
        messages = await read_until(feed, lambda messages: "PROGRESS" in states(messages))
        assert '"reset":true' in messages[0].json
        assert f'"name":"{task.name}"' in messages[-1].json
        task.success("done")
        messages += await read_until(feed, ended)
        assert messages[0].version > before[-1].version
        assert all('"reset":true' not in message.json for message in messages[1:])


async def test_task_that_ends_after_a_flush_is_told(mortal_stream: Stream, mortal: Mortal) -> None:
    """The very first word after the loss may be the last one of the task."""
    task = mortal_stream.task()
    task.started()
    async with mortal_stream.follow(task) as feed:
        await feed.batch(0)
        mortal.order("FLUSHALL")
        task.failure(ValueError("no"))
        messages = await read_until(feed, ended)
        assert messages[-1].state == "FAILURE"
        assert '"reset":true' in messages[0].json


async def test_task_that_ended_unheard_is_found_in_the_result_backend(
    mortal_stream: Stream, mortal: Mortal
) -> None:
    """When the store has lost a task and nobody speaks of it, Celery's backend has the end."""
    task = mortal_stream.task()
    task.started()
    async with mortal_stream.follow(task) as feed:
        await feed.batch(0)
        mortal.order("FLUSHALL")
        current_app.backend.store_result(task.task_id, {"rows": 3}, "SUCCESS")
        (last,) = await read_until(feed, ended)
        assert '"reset":true' in last.json
        assert '"result":{"rows":3}' in last.json


async def test_everything_said_while_redis_was_dead_arrives(
    mortal_stream: Stream, mortal: Mortal
) -> None:
    """Killed and started again, empty: readers have the end soon after, and no line twice."""
    task = mortal_stream.task()
    task.started()
    async with mortal_stream.follow(task, types=BOTH) as feed:
        await feed.batch(0)
        with mortal.dead():
            await asyncio.to_thread(task.log, "one")
            await asyncio.to_thread(task.log, "two")
            assert await feed.batch(UNIT) == []
        task.success()
        messages = await read_until(feed, ended)
        assert messages[-1].state == "SUCCESS"
    assert await asyncio.to_thread(publisher.flush, SOON)
    reading = mortal_stream.store.read(task.task_id, 0)
    assert reading is not None
    assert states(list(reading.messages)) == ["STARTED", "log", "log", "SUCCESS"]


async def test_messages_come_by_themselves_after_a_restart(
    mortal_stream: Stream, mortal: Mortal, settings: Settings
) -> None:
    """Once Redis is back the group is joined again, and needs no reconciling."""
    task = mortal_stream.task()
    task.started()
    async with mortal_stream.follow(task, types=BOTH) as feed:
        await feed.batch(0)
        with mortal.dead():
            pass
        await asyncio.to_thread(task.log, "first")
        await read_until(feed, lambda messages: '"first"' in "".join(m.json for m in messages))
        await eventually(lambda: mortal_stream.hub.is_watching(task.task_id))
        settings.TASKSTATUS_RECONCILE_SECONDS = 600
        await asyncio.sleep(4 * UNIT)  # let the last round end
        # The core layer's first word goes to a connection that is no more.
        for number in range(10):
            task.log(f"second {number}")
            if messages := await feed.batch(4 * UNIT):
                break
        assert '"second' in messages[0].json


async def test_task_runs_on_while_the_store_hangs(mortal_stream: Stream, mortal: Mortal) -> None:
    """One publish waits for about a second, the others not at all, and nothing is lost."""
    task = mortal_stream.task()
    task.started()
    async with mortal_stream.follow(task, types=BOTH) as feed:
        await feed.batch(0)
        with mortal.hung():
            began = time.monotonic()
            for number in range(200):
                await asyncio.to_thread(task.log, str(number))
            assert time.monotonic() - began < SOON
        task.success()
        messages = await read_until(feed, ended)
        assert messages[-1].state == "SUCCESS"
        # What timed out may have been taken all the same, and is then told twice.
        assert states(messages).count("log") in {200, 201}


@pytest.mark.parametrize(
    ("trouble", "cure"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    ],
    ids=["full", "read-only"],
)
async def test_store_that_takes_nothing_for_a_while_is_waited_for(
    mortal_stream: Stream, mortal: Mortal, trouble: tuple[str, ...], cure: tuple[str, ...]
) -> None:
    """A Redis that is full, or a replica for a moment, gets everything once it takes it."""
    task = mortal_stream.task()
    task.started()
    async with mortal_stream.follow(task, types=BOTH) as feed:
        await feed.batch(0)
        mortal.order(*trouble)
        for number in range(10):
            task.log(str(number))
        assert len(publisher._outbox) == 10
        mortal.order(*cure)
        task.success()
        messages = await read_until(feed, ended)
        assert states(messages) == [*["log"] * 10, "SUCCESS"]


async def test_waiting_ends_in_time_although_the_store_is_away(
    mortal_stream: Stream, mortal: Mortal
) -> None:
    """A long-poll or a keepalive is not held up by a store that does not answer."""
    task = mortal_stream.task()
    task.started()
    async with mortal_stream.follow(task) as feed:
        await feed.batch(0)
        mailbox = feed._subscription
        assert mailbox is not None
        with mortal.dead():
            mailbox.poke()
            async with asyncio.timeout(SOON):
                assert await feed.batch(2 * UNIT) == []
        task.success()
        assert states(await read_until(feed, ended))[-1] == "SUCCESS"
