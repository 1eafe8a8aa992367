"""A server process dies, or all are replaced one after another, under open streams."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from tests.acceptance.faults.viewers import viewers

if TYPE_CHECKING:
    from tests.acceptance.faults.stage import Stage

LINES = 60
PAUSE = 0.05


async def test_clients_of_a_killed_server_go_on_at_another(stage: Stage) -> None:
    """No line, no state is lost by a SIGKILL of the server."""
    doomed = stage.start("doomed")
    task, gate = await stage.gated(lines=LINES, pause=PAUSE)
    async with viewers([doomed.url, stage.urls[0]], task) as crowd:
        await stage.begin(gate, crowd)
        os.kill(doomed.process.pid, signal.SIGKILL)
        await asyncio.to_thread(stage.open, gate)
    for viewer in crowd:
        assert viewer.states[-1] == "SUCCESS"
        viewer.check_lines(LINES + 1)
        assert not any(message.reset for message in viewer.messages), viewer.transport
    moved = [viewer for viewer in crowd if viewer.urls[0] == doomed.url]
    assert all(len(viewer.ends) > 1 for viewer in moved)


async def test_a_rolling_restart_loses_nothing(stage: Stage) -> None:
    """Each server is told to stop while lines are written; clients move on with their cursor."""
    old = [stage.start(f"old-{index}") for index in range(2)]
    task, gate = await stage.gated(lines=LINES, pause=PAUSE)
    async with viewers([old[0].url, old[1].url, stage.urls[1]], task) as crowd:
        await stage.begin(gate, crowd)
        for server in old:
            os.kill(server.process.pid, signal.SIGTERM)
            await asyncio.to_thread(server.process.wait_for_exit, timeout=10)
        await asyncio.to_thread(stage.open, gate)
    for viewer in crowd:
        assert viewer.states[-1] == "SUCCESS"
        viewer.check_lines(LINES + 1)
        assert not any(message.reset for message in viewer.messages), viewer.transport
