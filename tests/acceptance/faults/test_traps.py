"""Known faults of the parts below us stay harmless."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.acceptance.faults.wire import ask
from tests.harness.clients import TRANSPORTS
from tests.harness.environment import Environment
from tests.harness.servers import start_daphne
from tests.harness.site import Site
from tests.harness.steps import pending, progress, started, success

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.processes import Processes

pytestmark = pytest.mark.traps
#: More than redis-py's and the core layer's time limits of five seconds.
IDLE_SECONDS = 6.5


class TrapEnvironment(Environment):
    """An environment with settings of its own."""

    def variables(self) -> dict[str, str]:
        """Return the environment variables."""
        module = "tests.acceptance.faults.trap_settings"
        return {**Environment.variables(self), "DJANGO_SETTINGS_MODULE": module}


@pytest.fixture(scope="module")
def trapped(processes: Processes, redis_url: str, database: Path) -> Site:
    """Return a site that is configured as the documentation of its parts says."""
    environment = TrapEnvironment(layer="core", redis_url=redis_url, database=database)
    server = start_daphne(processes, environment, name="trapped")
    # Some views fail on purpose.
    server.process.tracebacks_expected = True
    # Loads the views, and what they have connected to Django's signals.
    assert httpx.get(f"{server.url}/healthy/", trust_env=False).status_code == 200
    return Site(layer="core", servers=(server,))


async def test_idle_streams_outlive_the_time_limits_of_the_core_layer(trapped: Site) -> None:
    """Plain hosts and redis-py 8 make every other idle consumer die after five seconds (T1)."""
    task = await trapped.task(pending(), started())
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(task.follow(name)) for name in TRANSPORTS]
        for client in clients:
            await client.until("STARTED")
        waiting = [asyncio.create_task(client.next(20)) for client in clients]
        await asyncio.sleep(IDLE_SECONDS)
        assert not any(wait.done() for wait in waiting)
        await task.play(progress(1, 2))
        assert {message.state for message in await asyncio.gather(*waiting)} == {"PROGRESS"}
        await task.play(success())
        for client in clients:
            assert (await client.collect())[-1].state == "SUCCESS"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (b"/breaks-off/", {}),
        (b"/breaks-off-in-a-thread/", {}),
        (b"/sse/task_status/x/", {b"Last-Event-ID": b"c1:abc"}),
        (b"/sse/task_status/x/", {b"Last-Event-ID": b"\xff\x01"}),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else None,
)
async def test_a_response_that_breaks_off_does_not_harm_the_server(
    trapped: Site, path: bytes, headers: dict[bytes, bytes]
) -> None:
    """Daphne's watch over its applications goes on: it notices the next one that fails (T2, T3)."""
    url = trapped.server(0).url
    async with asyncio.timeout(20):
        # Ended, not left hanging.
        answer = await ask(url, "snapshot", path, headers=headers)
        assert answer.status in {200, 400}
        # One that fails before its response begins is answered by that watch alone.
        failed = await ask(url, "snapshot", b"/never-begins/")
        assert failed.status == 500
