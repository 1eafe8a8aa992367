"""One client may have only so many connections."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.harness.clients import End, StreamEnded
from tests.harness.servers import start_daphne
from tests.harness.site import Site
from tests.harness.steps import pending

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes

LIMIT = 3
CODES = {"websocket": 4429, "sse": 429, "longpoll": 429}


@pytest.fixture(scope="module")
def narrow_site(processes: Processes, environment_of: Callable[[Layer], Environment]) -> Site:
    """Return a site that lets a client have three connections."""
    environment = environment_of("memory").with_settings(MAX_CONNECTIONS_PER_CLIENT=LIMIT)
    return Site(layer="memory", servers=(start_daphne(processes, environment, name="narrow"),))


async def test_one_connection_too_many_is_refused(narrow_site: Site, transport: str) -> None:
    """The one over the limit is refused by name; once another has left there is room again."""
    task = await narrow_site.task(pending())
    async with contextlib.AsyncExitStack() as stack:
        for held in ("websocket", "sse", "websocket"):
            client = await stack.enter_async_context(task.follow(held))
            await client.next()
        async with task.follow(transport) as one_too_many:
            ended = await one_too_many.ended()
        assert (ended.reason, ended.code) == (End.TOO_MANY, CODES[transport])
        if transport != "websocket":
            assert b'"too_many_connections"' in ended.body
    async with asyncio.timeout(10):
        while True:
            async with task.follow(transport) as client:
                with contextlib.suppress(StreamEnded):
                    assert (await client.next()).state == "PENDING"
                    return


async def test_several_tasks_count_as_one_connection(narrow_site: Site) -> None:
    """Of the first task's token; the one over the limit is refused as a whole."""
    tasks = [await narrow_site.task(pending()) for _ in range(LIMIT + 1)]
    async with contextlib.AsyncExitStack() as stack:
        for transport in ("websocket", "sse", "sse"):
            client = await stack.enter_async_context(narrow_site.follow(transport, *tasks))
            await client.first()
        for transport, code in CODES.items():
            async with narrow_site.follow(transport, *tasks) as one_too_many:
                ended = await one_too_many.ended()
            assert (ended.reason, ended.code) == (End.TOO_MANY, code)
        async with tasks[1].follow("sse") as other:
            await other.next()
