"""One connection that many ask on: each has its own answers, whatever happens to the others."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis import asyncio as aioredis

from config.demo.redis_server import free_port
from taskstatus.resp import Refusal, pack
from taskstatus.stores.pipe import Pipe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECONDS = 0.5
TIMEOUT_SECONDS = 10.0


@pytest.fixture
def redis_url(private_url: str) -> str:
    """Return that Redis's URL, for the fixtures of this folder."""
    return private_url


@pytest.fixture(params=[2, 3])
async def pipe(private_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Pipe]:
    """Yield a pipe that speaks either version of the protocol."""
    pool: Any = aioredis.ConnectionPool.from_url(private_url, protocol=request.param)
    pipe = Pipe(pool, seconds=SECONDS)
    yield pipe
    await pipe.aclose()


async def echo(pipe: Pipe, *texts: str) -> list[Any]:
    """Return what Redis answers when it is to say these."""
    return await pipe.call([pack("ECHO", text) for text in texts])


async def test_each_caller_has_the_answers_to_its_own_commands(pipe: Pipe) -> None:
    """In their order, however many call at once; none is no command."""
    texts = [[f"{caller}.{number}" for number in range(caller)] for caller in range(50)]
    assert await asyncio.gather(*[echo(pipe, *some) for some in texts]) == texts


async def test_answers_come_as_what_they_are(pipe: Pipe) -> None:
    """Strings as text, what is not there as None, a refusal in its place."""
    name = f"pipe:{uuid.uuid4()}"
    commands = [
        pack("HSET", name, "a", "ä"),
        pack("HMGET", name, "a", "b"),
        pack("GET", f"{name}:none"),
        pack("GET", name),
        pack("EXISTS", name),
        pack("EVALSHA", "0" * 40, "0"),
        pack("EXPIRE", name, "60"),
    ]
    *answers, unknown, last = await pipe.call(commands)
    wrong = answers[3]
    assert isinstance(wrong, Refusal)
    assert isinstance(unknown, Refusal)
    assert (wrong.kind, unknown.kind) == ("WRONGTYPE", "NOSCRIPT")
    assert [*answers[:3], answers[4], last] == [1, ["ä", None], None, 1, 1]


async def test_lost_connection_is_made_anew(pipe: Pipe, client: redis.Redis) -> None:
    """Whoever calls meanwhile does not notice."""
    for _ in range(5):
        [number] = await pipe.call([pack("CLIENT", "ID")])
        client.client_kill_filter(_id=number)
        assert await echo(pipe, "again") == ["again"]


async def test_connection_lost_while_an_answer_is_awaited(pipe: Pipe, client: redis.Redis) -> None:
    """The command is sent once more."""
    [number] = await pipe.call([pack("CLIENT", "ID")])
    client.client_pause(int(SECONDS * 600), all=False)
    waiting = asyncio.create_task(pipe.call([pack("SET", "pipe", "x", "EX", "60")]))
    await asyncio.sleep(0)
    client.client_kill_filter(_id=number)
    assert await waiting == ["OK"]


async def test_what_redis_says_unasked_is_no_answer(
    pipe: Pipe, client: redis.Redis, request: pytest.FixtureRequest
) -> None:
    """It may come at any time, in the newer protocol."""
    if request.node.callspec.params["pipe"] == 2:
        return  # there is no such thing
    name = f"pipe:{uuid.uuid4()}"
    await pipe.call([pack("CLIENT", "TRACKING", "ON")])
    for number in range(20):
        client.set(name, number, ex=60)
        assert await pipe.call([pack("GET", name), pack("ECHO", "e")]) == [str(number), "e"]


async def test_answer_that_does_not_come_is_not_waited_for(pipe: Pipe, client: redis.Redis) -> None:
    """Everybody hears of it in time, and it does not come for somebody else later."""
    await echo(pipe, "works")
    client.client_pause(int(SECONDS * 3_000))
    async with asyncio.timeout(3 * SECONDS):
        for error in await asyncio.gather(
            *[echo(pipe, f"{number}") for number in range(3)], return_exceptions=True
        ):
            assert isinstance(error, redis.TimeoutError | redis.ConnectionError)
    client.client_unpause()
    assert await echo(pipe, "works again") == ["works again"]


async def test_answer_that_was_read_in_the_turn_of_its_timer_is_no_late_one(pipe: Pipe) -> None:
    """The loop was busy; others who ask on the connection keep it."""
    [number] = await pipe.call([pack("CLIENT", "ID")])
    asking = asyncio.create_task(echo(pipe, "is there"))
    await asyncio.sleep(0)
    time.sleep(2 * SECONDS)  # noqa: ASYNC251 - so busy
    assert await asking == ["is there"]
    assert await pipe.call([pack("CLIENT", "ID")]) == [number]


async def test_callers_that_go_harm_nobody(pipe: Pipe) -> None:
    """Their answers are nobody's; also when they go while the connection is being made."""
    for turns in range(20):
        calls = [asyncio.create_task(echo(pipe, f"{turns}.{number}")) for number in range(4)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        await asyncio.wait(calls, timeout=TIMEOUT_SECONDS)
        assert [call.result() for call in calls[1::2]] == [[f"{turns}.1"], [f"{turns}.3"]]
        if turns % 5 == 0:
            await pipe.aclose()


async def test_redis_that_is_away_is_so_for_each() -> None:
    """Nobody waits for the others' tries."""
    pool: Any = aioredis.ConnectionPool.from_url(f"redis://127.0.0.1:{free_port()}")
    pipe = Pipe(pool, seconds=SECONDS)
    errors = await asyncio.gather(
        *[echo(pipe, "anybody?") for _ in range(10)], return_exceptions=True
    )
    assert [type(error) for error in errors] == [redis.ConnectionError] * 10
    await pipe.aclose()


async def test_closed_pipe_ends_those_who_wait(pipe: Pipe, client: redis.Redis) -> None:
    """And works again for whoever calls later."""
    await echo(pipe, "works")
    client.client_pause(int(SECONDS * 600))
    waiting = asyncio.create_task(echo(pipe, "never"))
    await asyncio.sleep(0)
    await pipe.aclose()
    client.client_unpause()
    await asyncio.wait([waiting], timeout=TIMEOUT_SECONDS)
    assert waiting.done()
    assert await echo(pipe, "again") == ["again"]
