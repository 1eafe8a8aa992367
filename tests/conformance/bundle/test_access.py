"""Access that ends under several tasks on one connection (PROTOCOL §8, §10)."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import TYPE_CHECKING

from tests.harness.clients.bundle import BUNDLES
from tests.harness.servers import start_daphne
from tests.harness.site import Site
from tests.harness.steps import pending, started
from tests.harness.visitor import log_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes


async def test_a_session_that_ends_is_a_problem_of_each_task(
    processes: Processes, environment_of: Callable[[Layer], Environment], database: Path
) -> None:
    """As with a token that ends: each stream of the connection is refused from then on."""
    environment = environment_of("memory").with_settings(RECHECK_SECONDS=0.5)
    server = start_daphne(processes, environment, name="watchful")
    site = Site(layer="memory", servers=(server,))
    tasks = [(await site.task(pending(), started())).id for _ in range(2)]
    visitor = await log_in(server, permission="view_taskstatus")
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                BUNDLES[kind](server.url, *tasks, headers=visitor.headers)
            )
            for kind in ("websocket", "sse")
        ]
        for client in clients:
            await client.first()
            assert not client.problems
        with contextlib.closing(sqlite3.connect(database, timeout=10)) as connection, connection:
            connection.execute(
                "DELETE FROM django_session WHERE session_key = ?", [visitor.cookies["sessionid"]]
            )
        await asyncio.gather(*(client.settled(10) for client in clients))
        for client in clients:
            assert {problem["status"] for problem in client.problems.values()} == {403}
    server.process.stop()
