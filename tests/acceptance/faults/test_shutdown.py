"""SIGTERM: every client is let go in good order, and comes back without a loss."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.harness.clients import TRANSPORTS, Client
from tests.harness.clients.http import http_client
from tests.harness.servers import Server, start_daphne, start_uvicorn
from tests.harness.site import Site
from tests.harness.steps import pending, progress, started, success

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes

CLIENTS = 100
#: Daphne lets no more than 50 wait at its door.
AT_ONCE = 25
#: How each server ends after SIGTERM; uvicorn raises the signal again once it is done.
EXITS = {"daphne": 0, "uvicorn": -signal.SIGTERM}
STARTERS = {"daphne": start_daphne, "uvicorn": start_uvicorn}


@pytest.fixture(params=list(STARTERS))
def site(
    request: pytest.FixtureRequest,
    processes: Processes,
    environment_of: Callable[[Layer], Environment],
) -> Site:
    """Return a site of two servers, the first of which is to be stopped."""
    environment = environment_of("pubsub").with_settings(MAX_CONNECTIONS_PER_CLIENT=10 * CLIENTS)
    dying = STARTERS[request.param](processes, environment, name=f"dying-{request.param}")
    return Site(layer="pubsub", servers=(dying, start_daphne(processes, environment, name="other")))


def stop(server: Server) -> tuple[int | None, float]:
    """Send SIGTERM; return the exit status, and how many seconds the process took to end."""
    began = time.monotonic()
    os.kill(server.process.pid, signal.SIGTERM)
    while server.process.child.returncode is None and time.monotonic() < began + 15:
        time.sleep(0.02)
    return server.process.child.returncode, time.monotonic() - began


async def poll(server: Server, path: str) -> int:
    """Return the status of a long-poll."""
    async with http_client(server.url, timeout=40) as client:
        return (await client.get(path)).status_code


async def test_every_client_is_asked_to_come_back_and_misses_nothing(
    site: Site, request: pytest.FixtureRequest, outcome: Callable[[str], None]
) -> None:
    """WebSockets get 4412, SSE ends after a whole event, long-polls are answered; then resume."""
    task = await site.task(pending(), started(), server=1)
    async with contextlib.AsyncExitStack() as stack:
        streams: list[Client] = [
            await stack.enter_async_context(task.follow(transport, server=0))
            for transport in ("websocket", "sse")
            for _ in range(CLIENTS)
        ]
        first = await asyncio.gather(*(client.next(20) for client in streams))
        cursor = first[0].cursor
        path = f"/poll/task_status/{task.id}/?token={task.token}&after={cursor}&wait="
        polls = []
        for _ in range(0, CLIENTS, AT_ONCE):
            polls += [
                asyncio.create_task(poll(site.servers[0], f"{path}30")) for _ in range(AT_ONCE)
            ]
            # A poll that is answered at once has reached the server after all of these.
            await poll(site.servers[0], f"{path}0")
        ending = [asyncio.create_task(client.ended(20)) for client in streams]
        status, seconds = await asyncio.to_thread(stop, site.servers[0])
        ends = await asyncio.gather(*ending)
    assert status == EXITS[request.node.callspec.params["site"]]
    assert seconds < 10
    outcome(f"{3 * CLIENTS} clients let go and ended within {seconds:.1f} s")
    codes = {(client.transport, end.code) for client, end in zip(streams, ends, strict=True)}
    assert codes == {("websocket", 4412), ("sse", 200)}
    assert set(await asyncio.gather(*polls)) == {204}
    await task.play(progress(1, 2), success(7))
    for transport in TRANSPORTS:
        async with task.follow(transport, server=1, after=cursor) as again:
            messages = await again.collect()
        assert [message.state for message in messages] == ["PROGRESS", "SUCCESS"]
