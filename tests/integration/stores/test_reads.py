"""Reads that are asked for together go together; what goes wrong with one is that one's only."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import pytest
import redis

from config.demo.redis_server import free_port
from taskstatus.exceptions import StoreUnavailable
from taskstatus.stores.redis import TIMEOUT_SECONDS, RedisStore, keys
from tests.integration.stores.steps import Speaker, pending, play

if TYPE_CHECKING:
    pass

first = Speaker(number=10)
CROWD = 100


@pytest.fixture
def redis_url(private_url: str) -> str:
    """Return that Redis's URL, for the fixtures of this folder."""
    return private_url


class Commands:
    """How often Redis was asked to run a script it knows."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        client.config_resetstat()

    @property
    def count(self) -> int:
        """The number since this was made."""
        stats = self._client.info("commandstats")
        return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])


async def known(store: RedisStore, *task_ids: str) -> None:
    """Let tasks be waiting, and Redis know the script that reads them."""
    for task_id in task_ids:
        play(store, task_id, pending())
    await store.aread(task_ids[0])


def ids(count: int) -> list[str]:
    """Return ids of tasks that no store knows yet."""
    return [str(uuid.uuid4()) for _ in range(count)]


async def test_same_question_of_many_is_one_command(
    redis_store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """A hundred clients that come at once to one task cost Redis as much as one."""
    await known(redis_store, task_id)
    commands = Commands(client)
    readings = await asyncio.gather(*[redis_store.aread(task_id) for _ in range(CROWD)])
    assert commands.count == 1
    assert {reading.status.state for reading in readings if reading} == {"PENDING"}
    assert None not in readings


async def test_each_gets_the_answer_to_its_own_question(
    redis_store: RedisStore, client: redis.Redis
) -> None:
    """Many tasks, each asked for with and without its messages, on one connection."""
    task_ids = ids(CROWD)
    await known(redis_store, *task_ids)
    for task_id in task_ids:
        play(redis_store, task_id, first.started(), first.logged(task_id))
    commands = Commands(client)
    plain, logs = await asyncio.gather(
        asyncio.gather(*[redis_store.aread(task_id) for task_id in task_ids]),
        asyncio.gather(*[redis_store.aread(task_id, 0) for task_id in task_ids]),
    )
    assert commands.count == 2 * CROWD
    for task_id, status, log in zip(task_ids, plain, logs, strict=True):
        assert status is not None
        assert log is not None
        assert task_id in status.status.json
        assert (status.messages, len(log.messages)) == ([], 3)
        assert task_id in log.messages[-1].json


async def test_answer_is_never_older_than_the_question(
    redis_store: RedisStore, task_id: str
) -> None:
    """Who asks while an answer is on its way to others gets one of its own."""
    await known(redis_store, task_id)
    for number in range(50):
        early = [asyncio.create_task(redis_store.aread(task_id)) for _ in range(3)]
        for _ in range(number % 10):
            await asyncio.sleep(0)
        (said,) = play(redis_store, task_id, first.logged(f"line {number}"))
        assert said is not None
        late = await redis_store.aread(task_id)
        assert late is not None
        assert late.version >= said.version
        await asyncio.gather(*early)


async def test_error_of_one_task_is_that_one_s_only(
    redis_store: RedisStore, client: redis.Redis
) -> None:
    """A key of another type is a mistake that nobody else hears of."""
    good, bad, missing = ids(3)
    await known(redis_store, good)
    client.set(keys(bad)[0], "somebody else's", ex=60)
    answers = await asyncio.gather(
        *[redis_store.aread(task_id) for task_id in (good, bad, missing, bad, good)],
        return_exceptions=True,
    )
    assert [type(answer).__name__ for answer in answers] == [
        "Reading",
        "ResponseError",
        "NoneType",
        "ResponseError",
        "Reading",
    ]
    assert await redis_store.aread(good) is not None


async def test_script_comes_back_after_script_flush(
    redis_store: RedisStore, client: redis.Redis
) -> None:
    """A Redis that was restarted does not know the script, and nobody notices."""
    task_ids = ids(10)
    await known(redis_store, *task_ids)
    client.script_flush()
    commands = Commands(client)
    for _ in range(2):
        readings = await asyncio.gather(*[redis_store.aread(task_id) for task_id in task_ids])
        assert None not in readings
    assert commands.count == 30


async def test_readers_that_go_leave_nothing_and_harm_nobody(
    redis_store: RedisStore, task_id: str
) -> None:
    """Those who asked the same and stay have their answer; no task goes on for the others."""
    await known(redis_store, task_id)
    for turns in range(20):
        before = asyncio.all_tasks()
        readers = [asyncio.create_task(redis_store.aread(task_id)) for _ in range(10)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for reader in readers[1:]:
            reader.cancel()
        assert await readers[0] is not None
        await asyncio.wait(readers)
        lone = asyncio.create_task(redis_store.aread(task_id))
        for _ in range(turns):
            await asyncio.sleep(0)
        lone.cancel()
        asking = asyncio.all_tasks() - before
        if asking:
            await asyncio.wait(asking, timeout=TIMEOUT_SECONDS)
        assert not redis_store._here()._asked
        assert redis_store._here()._asking is None
        assert asyncio.all_tasks() == before


async def test_store_that_is_away_is_so_for_each(task_id: str) -> None:
    """Everybody hears it, and as an exception of their own."""
    store = RedisStore(f"redis://127.0.0.1:{free_port()}")
    errors = await asyncio.gather(
        *[store.aread(name) for name in (task_id, task_id, "another")], return_exceptions=True
    )
    assert [type(error) for error in errors] == [StoreUnavailable] * 3
    await store.aclose()


@pytest.mark.parametrize("turns", [1, 2, 50])
async def test_closing_ends_those_who_still_ask(
    client: redis.Redis, redis_url: str, turns: int
) -> None:
    """While Redis does not answer: nobody waits for ever, and nothing goes on."""
    store, before = RedisStore(redis_url), asyncio.all_tasks()
    client.client_pause(5_000, all=False)
    try:
        readers = [asyncio.create_task(store.aread(name)) for name in ("one", "one", "two")]
        for _ in range(turns):
            await asyncio.sleep(0)
        await store.aclose()
        done, _ = await asyncio.wait(readers, timeout=TIMEOUT_SECONDS)
        assert len(done) == len(readers)
        assert all(reader.cancelled() for reader in readers)
        assert asyncio.all_tasks() == before
    finally:
        client.client_unpause()


async def test_closed_store_reads_again(redis_store: RedisStore, task_id: str) -> None:
    """Closing is no end: connections come back when they are needed."""
    await known(redis_store, task_id)
    await redis_store.aclose()
    assert await redis_store.aread(task_id) is not None
