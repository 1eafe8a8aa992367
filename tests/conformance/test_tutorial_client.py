"""The client of the well-known tutorial, which knows a state and an error, works unchanged."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect

from tests.harness.servers import start_daphne
from tests.harness.site import Site
from tests.harness.steps import error, failure, pending, progress, received, started, success
from tests.harness.visitor import log_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes
    from tests.harness.servers import Server


@pytest.fixture(scope="module")
def open_site(processes: Processes, environment_of: Callable[[Layer], Environment]) -> Site:
    """Return a site whose policy lets everybody read."""
    environment = environment_of("memory").with_settings(
        ACCESS_POLICY="taskstatus.access.allow_any"
    )
    return Site(layer="memory", servers=(start_daphne(processes, environment, name="open"),))


async def watch(
    server: Server, task_id: str, begun: asyncio.Event, headers: dict[str, str] | None = None
) -> tuple[list[str], str | None]:
    """Do as the tutorial's page does: open the socket, show each state and, if any, the error."""
    states: list[str] = []
    shown: str | None = None
    url = f"ws{server.url.removeprefix('http')}/ws/task_status/{task_id}/"
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        async for frame in socket:
            message: dict[str, Any] = json.loads(frame)
            if [message["state"]] != states[-1:]:
                states.append(message["state"])
            if message["state"] == "FAILURE":
                shown = message["error"]
            begun.set()
    return states, shown


async def test_it_sees_a_task_succeed(open_site: Site) -> None:
    """PENDING … SUCCESS, and the socket is closed at the end."""
    task = await open_site.task(pending())
    begun = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        watching = group.create_task(watch(open_site.server(0), task.id, begun))
        await begun.wait()
        await task.play(received(), started(), progress(1, 2), success(3))
    states, shown = watching.result()
    assert [state for state in states if state != "PROGRESS"] == [
        *("PENDING", "RECEIVED", "STARTED", "SUCCESS"),
    ]
    assert shown is None


async def test_it_sees_a_task_fail_with_the_error(open_site: Site) -> None:
    """FAILURE comes with the text of the error."""
    task = await open_site.task(pending())
    begun = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        watching = group.create_task(watch(open_site.server(0), task.id, begun))
        await begun.wait()
        await task.play(started(), failure(error("ValueError", "line 3: no number")))
    assert watching.result() == (["PENDING", "STARTED", "FAILURE"], "line 3: no number")


async def test_it_works_with_the_owners_session(site: Site) -> None:
    """Where access is closed, the session that enqueued the task is all that the page needs."""
    owner = await log_in(site.server(0))
    task = await site.task(pending(), started(), success(), owner=owner.user_id)
    async with asyncio.timeout(10):
        seen = await watch(site.server(-1), task.id, asyncio.Event(), owner.headers)
    assert seen == (["SUCCESS"], None)
