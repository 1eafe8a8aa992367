"""The protocol is the application's, not the server's: the main cases on uvicorn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.refusals import end_of
from tests.harness.clients import End
from tests.harness.servers import start_uvicorn
from tests.harness.site import Site
from tests.harness.steps import faithful, log, pending, progress, started, success

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes

LIFE = [started(), log("line"), progress(1, 2), success("done")]


@pytest.fixture(scope="module")
def uvicorn_site(processes: Processes, environment_of: Callable[[Layer], Environment]) -> Site:
    """Return a site that uvicorn serves."""
    server = start_uvicorn(processes, environment_of("pubsub"))
    return Site(layer="pubsub", servers=(server,))


async def test_a_life_is_told_to_its_end(uvicorn_site: Site, transport: str) -> None:
    """Snapshot, live messages, the end."""
    task = await uvicorn_site.task(pending())
    async with task.follow(transport, types="status,log") as client:
        await client.next()
        for step in LIFE:
            await task.play(step)
        faithful(await client.collect(), [pending(), *LIFE], types="status,log")
    assert client.end is not None
    assert client.end.reason is End.TERMINAL


async def test_a_cursor_resumes(uvicorn_site: Site, transport: str) -> None:
    """What was missed comes in order."""
    task = await uvicorn_site.task(pending())
    async with task.follow(transport) as client:
        await client.next()
    await task.play(*LIFE)
    async with client.resume(types="status,log") as again:
        faithful(await again.collect(), LIFE, types="status,log")


async def test_refusals_are_the_same(uvicorn_site: Site, transport: str) -> None:
    """Malformed, forbidden and unknown."""
    task = await uvicorn_site.task(pending())
    unknown = await uvicorn_site.task()
    await end_of(task.follow(transport, after="x"), End.BAD_REQUEST)
    await end_of(task.follow(transport, token=None), End.FORBIDDEN)
    await end_of(unknown.follow(transport), End.UNKNOWN)


async def test_a_client_that_goes_away_is_let_go(uvicorn_site: Site, transport: str) -> None:
    """Leaving in the middle is no error."""
    task = await uvicorn_site.task(pending())
    for _ in range(3):
        async with task.follow(transport) as leaving:
            await leaving.next()
    await task.play(*LIFE)
    async with task.follow(transport) as client:
        assert (await client.collect())[-1]["result"] == "done"


async def test_several_lives_are_told_over_one_connection(
    uvicorn_site: Site, transport: str
) -> None:
    """Each to its end, and one that is refused beside them."""
    tasks = [await uvicorn_site.task(pending()) for _ in range(3)]
    unknown = await uvicorn_site.task()
    async with uvicorn_site.follow(transport, *tasks, unknown, types="status,log") as client:
        await client.first()
        for step in LIFE:
            for task in tasks:
                await task.play(step)
        await client.settled()
    for task in tasks:
        faithful(client.of(task.id), task.steps, types="status,log")
    assert list(client.problems) == [unknown.id]
