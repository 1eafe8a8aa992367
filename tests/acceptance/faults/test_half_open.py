"""Clients that are gone without a word: their places are given to others."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.acceptance.faults.link import link_to
from tests.harness.clients import TRANSPORTS, StreamEnded
from tests.harness.clients.http import http_client
from tests.harness.servers import start_daphne, start_uvicorn
from tests.harness.site import Site
from tests.harness.steps import pending, started

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes
    from tests.harness.site import DrivenTask

#: The setting is 600 in production.
MAX_STREAM_SECONDS = 2
PLACES = 6
#: What a client meets whose connection is reset.
BROKEN = (OSError, httpx.TransportError)


@pytest.fixture(scope="module", params=[start_daphne, start_uvicorn], ids=["daphne", "uvicorn"])
def narrow(
    request: pytest.FixtureRequest,
    processes: Processes,
    environment_of: Callable[[Layer], Environment],
) -> Site:
    """Return a site of one server, where one client has six places."""
    environment = environment_of("pubsub").with_settings(
        MAX_STREAM_SECONDS=MAX_STREAM_SECONDS, MAX_CONNECTIONS_PER_CLIENT=PLACES
    )
    server = request.param(processes, environment, name="narrow")
    return Site(layer="pubsub", servers=(server,))


async def is_full(task: DrivenTask) -> bool:
    """Return whether there is no place left."""
    async with task.follow("sse") as client:
        with contextlib.suppress(StreamEnded):
            await client.next()
    return client.end is not None and client.end.code == 429


async def until(task: DrivenTask, *, full: bool) -> float:
    """Return how long it takes until all places are taken, or one is free."""
    began = time.monotonic()
    async with asyncio.timeout(15):
        while await is_full(task) is not full:  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.05)
    return time.monotonic() - began


async def poll(task: DrivenTask, url: str, cursor: str) -> None:
    """Poll on and on; who asks whether it is full may be in our place for a moment."""
    path = f"/poll/task_status/{task.id}/?token={task.token}&after={cursor}"
    async with http_client(url) as client:
        while True:
            await client.get(f"{path}&wait={MAX_STREAM_SECONDS}")
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def all_places(task: DrivenTask, url: str) -> AsyncIterator[None]:
    """Take all places, on all transports, and keep them."""
    async with contextlib.AsyncExitStack() as stack:
        for transport in ("websocket", "sse") * (PLACES // 3):
            client = TRANSPORTS[transport](url, task.id, token=task.token)
            await stack.enter_async_context(client)
            cursor = (await client.next()).cursor
        assert cursor is not None
        polls = [asyncio.create_task(poll(task, url, cursor)) for _ in range(PLACES // 3)]
        try:
            await until(task, full=True)
            yield
        finally:
            for one in polls:
                one.cancel()
            await asyncio.wait(polls)


async def can_take_all(task: DrivenTask, url: str) -> bool:
    """Return whether all places could be taken."""
    with contextlib.suppress(StreamEnded):
        async with all_places(task, url):
            return True
    return False


async def test_places_of_clients_in_the_dark_are_given_back(
    narrow: Site, outcome: Callable[[str], None]
) -> None:
    """The network swallows all that is said, both ways: a deadline ends what is left."""
    task = await narrow.task(pending(), started())
    with link_to(narrow.server(0).url) as (link, url), contextlib.suppress(*BROKEN):
        async with all_places(task, url):
            link.go_dark()
            assert await is_full(task)
            took = await until(task, full=False)
            assert took < 1.1 * MAX_STREAM_SECONDS + 2
            # Not one place, but all.
            async with asyncio.timeout(5):
                while not await can_take_all(task, narrow.server(0).url):
                    pass
            await asyncio.to_thread(link.reset)
    outcome(f"the first place is free after {took:.1f} s; a stream may last {MAX_STREAM_SECONDS} s")


async def test_places_of_clients_that_reset_are_free_at_once(
    narrow: Site, outcome: Callable[[str], None]
) -> None:
    """A connection that dies, unlike one that is silent, is noticed."""
    task = await narrow.task(pending(), started())
    with link_to(narrow.server(0).url) as (link, url), contextlib.suppress(*BROKEN):
        async with all_places(task, url):
            await asyncio.to_thread(link.reset)
            took = await until(task, full=False)
    assert took < 1
    outcome(f"the first place is free after {took:.2f} s")
