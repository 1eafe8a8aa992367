"""What only the store on Redis does: keys, expiry, scripts, outages, forks."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import redis
from redis.crc import key_slot

from taskstatus.exceptions import StoreUnavailable
from taskstatus.stores.base import UNFINISHED_SECONDS
from taskstatus.stores.redis import TIMEOUT_SECONDS, RedisStore, keys
from tests.integration.stores.steps import Speaker, pending, play

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.fixtures import Settings

first = Speaker(number=10)


@pytest.fixture
def nobody() -> Iterator[str]:
    """Yield the URL of a port at which nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{closed.getsockname()[1]}"


@pytest.fixture
def mute() -> Iterator[str]:
    """Yield the URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


def ttls(client: redis.Redis, task_id: str) -> list[int]:
    """Return how many seconds the record and the log of a task are kept from now."""
    return [int(client.ttl(key)) for key in keys(task_id)]


def test_running_task_is_kept_for_a_week(
    redis_store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """A task that may wait in a queue for days is not forgotten meanwhile."""
    play(redis_store, task_id, pending(), first.started())
    assert all(
        UNFINISHED_SECONDS - 5 < left <= UNFINISHED_SECONDS for left in ttls(client, task_id)
    )


def test_finished_task_is_kept_for_the_retention_time(
    redis_store: RedisStore, client: redis.Redis, task_id: str, settings: Settings
) -> None:
    """The end starts the retention time, for the record and the log alike."""
    settings.TASKSTATUS_RETENTION_SECONDS = 100
    play(redis_store, task_id, pending(), first.started(), first.logged(), first.succeeded())
    assert all(95 < left <= 100 for left in ttls(client, task_id))


def test_task_of_which_only_interim_states_are_known_is_kept(
    redis_store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """The time runs from the last change, also from one that is not in the log."""
    play(redis_store, task_id, first.started())
    for key in keys(task_id):
        client.expire(key, 10)
    play(redis_store, task_id, first.progressed())
    assert all(left > 10 for left in ttls(client, task_id))


def test_retention_of_less_than_a_second_keeps_the_end(
    redis_store: RedisStore, task_id: str, settings: Settings
) -> None:
    """A short retention time never deletes the very change that it is counted from."""
    settings.TASKSTATUS_RETENTION_SECONDS = 0.5
    play(redis_store, task_id, first.started(), first.succeeded())
    assert redis_store.read(task_id) is not None


@pytest.mark.parametrize("odd", ["plain", "{a}{b}", "ünï}{", "{", "}", ""])
def test_keys_of_a_task_share_a_cluster_slot(odd: str) -> None:
    """Record and log hash to one slot, whatever the id looks like, so one script may touch both."""
    record, log = keys(odd)
    assert record != log
    assert key_slot(record.encode()) == key_slot(log.encode())


def test_tasks_are_spread_over_slots() -> None:
    """The hash tag is the task's own, so that a cluster shares the work."""
    slots = {key_slot(keys(f"task-{number}")[0].encode()) for number in range(100)}
    assert len(slots) > 90


def test_two_keys_per_task_and_no_more(
    redis_store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """All of a task lies in its record and its log, so that forgetting it is complete."""
    tag = keys(task_id)[0].partition("{")[2].partition("}")[0]
    play(redis_store, task_id, pending(), first.started(), first.logged(), first.succeeded())
    names = {key.decode() for key in client.scan_iter(match=f"*{tag}*", count=1_000)}
    assert names == set(keys(task_id))


def test_versions_go_on_when_the_clock_goes_back(
    redis_store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """After a failover to a Redis whose clock is behind, versions count on from the last one."""
    play(redis_store, task_id, first.started())
    record, _ = keys(task_id)
    ahead = time.time_ns() // 1_000 + 3_600_000_000
    client.hset(record, mapping={"version": ahead, "status_version": ahead})
    messages = play(redis_store, task_id, first.progressed(1), first.logged(), first.logged())
    assert [m and m.version for m in messages] == [ahead + 1, ahead + 2, ahead + 3]
    assert [m and m.prev for m in messages] == [ahead, ahead + 1, ahead + 2]


def test_script_comes_back_after_script_flush(
    redis_store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """A Redis that was restarted does not know the script, and gets it again."""
    play(redis_store, task_id, pending())
    client.script_flush()
    assert play(redis_store, task_id, first.started())[0] is not None


@pytest.mark.parametrize("down", ["nobody", "mute"])
async def test_store_that_does_not_answer_is_unavailable_soon(
    request: pytest.FixtureRequest, task_id: str, down: str
) -> None:
    """Refused or unanswered: each method raises StoreUnavailable within about a second."""
    store = RedisStore(request.getfixturevalue(down))
    began = time.monotonic()
    with ThreadPoolExecutor(3) as threads:
        calls: list[Future[object]] = [
            threads.submit(store.record, pending()(task_id)),
            threads.submit(store.read, task_id),
            threads.submit(store.ping),
        ]
        waited = await asyncio.gather(
            store.aread(task_id), store.apulses([task_id]), return_exceptions=True
        )
    for error in [*waited, *(call.exception() for call in calls)]:
        assert isinstance(error, StoreUnavailable)
    assert time.monotonic() - began < 1.5 * TIMEOUT_SECONDS
    store.close()
    await store.aclose()


def test_refusal_that_does_not_pass_is_not_waited_for(
    redis_store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """A key of another type is a mistake: it must not hold up the changes of other tasks."""
    client.set(keys(task_id)[0], "somebody else's", ex=60)
    for call in (redis_store.record, lambda _: redis_store.read(task_id)):
        with pytest.raises(redis.ResponseError):
            call(pending()(task_id))


def test_url_options_win_over_ours(nobody: str, task_id: str) -> None:
    """An operator can set another timeout in the URL."""
    store = RedisStore(f"{nobody}?socket_timeout=0.25")
    with pytest.raises(StoreUnavailable):
        store.read(task_id)
    assert store._client.connection_pool.connection_kwargs["socket_timeout"] == 0.25


def test_connection_survives_a_fork(redis_store: RedisStore, task_id: str) -> None:
    """A child of fork() writes on a connection of its own; the parent's stays in order."""
    program = [sys.executable, "-m", "tests.integration.stores.forking", redis_store.url, task_id]
    # Not here: this process has threads.
    subprocess.run(program, check=True, timeout=30)
    reading = redis_store.read(task_id, 0)
    assert reading is not None
    lines = {json.loads(message.json).get("message") for message in reading.messages}
    assert {"before", "child", "after"} <= lines
    assert reading.status.ready


@pytest.mark.parametrize("way", ["record", "send", "record while an answer is to come"])
def test_interrupted_recording_leaves_no_answer_behind(
    redis_store: RedisStore, task_id: str, way: str
) -> None:
    """Wherever a signal strikes (a soft time limit does), the next answer is to the next call."""
    play(redis_store, task_id, first.started())
    interrupted = 0
    sent = first.logged("sent")(task_id)
    answer = way.endswith("to come") and redis_store.send(sent, key="", group="", envelope=b"")
    previous = signal.signal(signal.SIGALRM, _interrupt)
    try:
        for number in range(300):
            # Again and again, since some places swallow what strikes them (``__del__``).
            try:
                signal.setitimer(signal.ITIMER_REAL, 2e-5 + number * 1e-6, 0.2)
                while True:
                    change = first.logged("struck")(task_id)
                    if way == "send":
                        redis_store.send(change, key="", group="", envelope=b"")()
                    else:
                        redis_store.record(change)
            except _Interrupted:
                signal.setitimer(signal.ITIMER_REAL, 0)
                interrupted += 1
            message = redis_store.record(first.logged(f"line {number}")(task_id))
            assert message is not None
            assert json.loads(message.json)["message"] == f"line {number}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert interrupted == 300
    if answer:
        message = answer()
        assert message is not None
        assert json.loads(message.json)["message"] == "sent"


class _Interrupted(Exception):
    """What the signal raises."""


def _interrupt(*_: object) -> None:
    raise _Interrupted


async def test_cancelled_reading_never_goes_on(redis_store: RedisStore, task_id: str) -> None:
    """A reader that is cancelled at whatever moment ends there, and the connections stay in order.

    Before Python 3.12 ``asyncio.wait_for()``, by which redis-py sends, may forget a cancellation.
    """
    play(redis_store, task_id, pending())

    async def read() -> None:
        while True:
            await redis_store.aread(task_id, 0)
            await redis_store.apulses([task_id])

    for turns in range(40):
        readers = [asyncio.create_task(read()) for _ in range(10)]
        for _ in range(2 * turns):
            await asyncio.sleep(0)
        for reader in readers:
            reader.cancel()
        done, _ = await asyncio.wait(readers, timeout=TIMEOUT_SECONDS)
        assert len(done) == len(readers)
    reading = await redis_store.aread(task_id)
    assert reading is not None


def test_ping_returns_when_redis_answers(redis_store: RedisStore) -> None:
    """A health check can ask the store without a task."""
    redis_store.ping()
