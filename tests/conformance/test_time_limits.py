"""What ends by itself: a stream that has been open for long, and what is kept of a task."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, cast

import pytest

from tests.harness.clients import End, StreamEnded
from tests.harness.servers import start_daphne
from tests.harness.site import Site
from tests.harness.steps import pending, started, success

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes

CODES = {"websocket": 4412, "sse": 200}


@pytest.fixture(scope="module")
def brief_site_on(
    processes: Processes, environment_of: Callable[[Layer], Environment]
) -> Callable[[Layer], Site]:
    """Return a function from a layer to a site on which everything is over after a second."""

    @functools.cache
    def site(layer: Layer) -> Site:
        environment = environment_of(layer).with_settings(MAX_STREAM_SECONDS=1, RETENTION_SECONDS=1)
        return Site(layer=layer, servers=(start_daphne(processes, environment, name="brief"),))

    return site


@pytest.fixture(params=["pubsub", "memory"])
def brief_site(request: pytest.FixtureRequest, brief_site_on: Callable[[Layer], Site]) -> Site:
    """Return the site for each kind of store."""
    return brief_site_on(cast("Layer", request.param))


@pytest.mark.parametrize("transport", list(CODES))
async def test_a_long_stream_is_ended_for_a_clean_reconnect(
    brief_site: Site, transport: str
) -> None:
    """The server ends it with no terminal message; the client resumes where it was."""
    task = await brief_site.task(pending())
    async with task.follow(transport) as client:
        assert (await client.next()).state == "PENDING"
        ended = await client.ended(timeout=5)
        assert ended.reason in {End.COME_BACK, End.CUT}
        assert ended.code == CODES[transport]
    await task.play(started())
    async with client.resume() as again:
        assert (await again.next()).state == "STARTED"


@pytest.mark.parametrize("transport", list(CODES))
async def test_a_long_connection_for_several_is_ended_likewise(
    brief_site: Site, transport: str
) -> None:
    """As a whole, at the boundary of a message."""
    tasks = [await brief_site.task(pending()) for _ in range(2)]
    async with brief_site.follow(transport, *tasks) as client:
        await client.first()
        ended = await client.ended(timeout=5)
    assert ended.code == CODES[transport]


async def test_a_finished_task_is_forgotten_after_its_time(
    brief_site: Site, transport: str
) -> None:
    """After RETENTION_SECONDS the task is unknown."""
    task = await brief_site.task(pending(), started(), success())
    async with task.follow(transport) as client:
        assert (await client.next()).state == "SUCCESS"
    for _ in range(40):
        async with task.follow(transport) as client:
            try:
                await client.next()
            except StreamEnded as stop:
                reason = stop.ended.reason
                break
        await asyncio.sleep(0.1)  # no event tells that a key has expired
    assert reason is End.UNKNOWN


async def test_an_unfinished_task_is_kept_longer(brief_site: Site) -> None:
    """A task that waits in a queue for longer than RETENTION_SECONDS is not forgotten."""
    waiting = await brief_site.task(pending())
    over = await brief_site.task(pending(), started(), success())
    for _ in range(40):
        if (await over.snapshot()).status_code == 404:
            break
        await asyncio.sleep(0.1)  # no event tells that a key has expired
    assert (await waiting.snapshot()).json()["state"] == "PENDING"
