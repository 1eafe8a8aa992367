"""Access that ends, under streams that are open."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.faults.wire import ask
from tests.harness.clients import TRANSPORTS, End, StreamEnded
from tests.harness.servers import start_daphne
from tests.harness.site import Site
from tests.harness.steps import pending, progress, started, success
from tests.harness.visitor import Visitor, log_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.acceptance.faults.stage import Stage
    from tests.harness.clients import Client
    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes
    from tests.harness.site import DrivenTask

#: The setting is 45 in production, so that an end is seen within a minute.
RECHECK_SECONDS = 1
STREAMS = ("websocket", "sse")


@pytest.fixture(scope="module")
def watchful(processes: Processes, environment_of: Callable[[Layer], Environment]) -> Site:
    """Return a site that looks often whether its readers may still read."""
    environment = environment_of("pubsub").with_settings(RECHECK_SECONDS=RECHECK_SECONDS)
    return Site(layer="pubsub", servers=(start_daphne(processes, environment, name="watchful"),))


#: What ends a user's access, as SQL. Each is what Django itself does at that moment.
ENDS = {
    "the session is flushed": "DELETE FROM django_session WHERE session_key = :session",
    "the user is deactivated": "UPDATE auth_user SET is_active = 0 WHERE id = :user",
    "the permission is withdrawn": "DELETE FROM auth_user_user_permissions WHERE user_id = :user",
    "nothing": "SELECT 1",
}


async def ended(client: Client) -> End:
    """Return how a stream ends on which nothing more may come."""
    with pytest.raises(StreamEnded) as stop:
        await client.next(RECHECK_SECONDS + 9)
    return stop.value.ended.reason


async def test_streams_end_with_what_they_were_opened_with(watchful: Site, database: Path) -> None:
    """A session, a user, a permission: the stream ends, and does not open again; others go on."""
    task = await watchful.task(pending(), started())
    async with contextlib.AsyncExitStack() as stack:
        open_streams: dict[str, list[Client]] = {}
        visitors: dict[str, Visitor] = {}
        for what in ENDS:
            visitors[what] = await log_in(watchful.server(0), permission="view_taskstatus")
            headers = visitors[what].headers
            streams = [task.follow(kind, token=None, headers=headers) for kind in STREAMS]
            for client in streams:
                await stack.enter_async_context(client)
                await client.next()
            open_streams[what] = streams
        with contextlib.closing(sqlite3.connect(database, timeout=10)) as connection, connection:
            for what, order in ENDS.items():
                values = {
                    "session": visitors[what].cookies["sessionid"],
                    "user": visitors[what].user_id,
                }
                connection.execute(order, values)
        spared = open_streams.pop("nothing")
        endings = [ended(client) for streams in open_streams.values() for client in streams]
        assert set(await asyncio.gather(*endings)) <= {End.COME_BACK, End.CUT}
        for what in open_streams:
            for kind in TRANSPORTS:
                headers = visitors[what].headers
                again = task.follow(kind, token=None, headers=headers, after=spared[0].cursor)
                async with again:
                    assert (await again.ended()).reason is End.FORBIDDEN, what
        # Whose access is what it was has looked on undisturbed.
        await task.play(progress(1, 2))
        for client in spared:
            assert (await client.next()).state == "PROGRESS"


async def test_the_owner_is_known_again_after_a_flush(stage: Stage) -> None:
    """Whose task it is travels with the task's message: a store that lost it is told."""
    owner = await log_in(stage.servers[0])
    gate = uuid.uuid4().hex
    task = await stage.enqueue("faults.gated", gate, 20, 0.05, cookies=owner.cookies)
    options: dict[str, Any] = {"headers": owner.headers, "types": "status,log"}
    async with TRANSPORTS["sse"](stage.urls[0], task.task_id, **options) as client:
        await stage.begin(gate, [client])
        stage.mortal.order("FLUSHALL")
        flushed = time.time_ns() // 1_000
        # What was on its way does not show that the store has been told.
        while ((await client.next(20)).version or 0) < flushed:
            pass
        for kind in TRANSPORTS:
            async with TRANSPORTS[kind](stage.urls[1], task.task_id, **options) as another:
                assert (await another.next()).state in {"STARTED", "PROGRESS"}
        await asyncio.to_thread(stage.open, gate)
        assert (await client.collect())[-1].state == "SUCCESS"


async def seconds(url: str, door: str, task_id: str, headers: dict[bytes, bytes]) -> float:
    """Return how long a refusal takes."""
    began = time.perf_counter()
    answer = await ask(url, door, f"/task_status/{task_id}/".encode(), headers=headers)
    assert answer.status == 403 or answer.close == 4403
    return time.perf_counter() - began


@pytest.mark.parametrize("door", ["websocket", "longpoll", "snapshot"])
async def test_a_refusal_takes_as_long_for_a_task_that_is_there(watchful: Site, door: str) -> None:
    """Somebody else's task, with a result as long as they get, and one that never was."""
    task: DrivenTask = await watchful.task(pending(), started(), success("x" * 60_000), owner="0")
    stranger = await log_in(watchful.server(0))
    url, headers = watchful.server(0).url, {b"Cookie": stranger.headers["Cookie"].encode()}
    times: dict[str, list[float]] = {"there": [], "never was": []}
    for _ in range(40):
        # In turns, so that noise hits both alike.
        times["there"].append(await seconds(url, door, task.id, headers))
        times["never was"].append(await seconds(url, door, str(uuid.uuid4()), headers))
    there, never = (statistics.median(values) for values in times.values())
    assert abs(there - never) < 0.2 * max(there, never) + 0.0005, (there, never)
