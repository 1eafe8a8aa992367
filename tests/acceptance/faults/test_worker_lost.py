"""A worker's child dies; a whole worker dies, and its task is delivered to another one."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING

from tests.acceptance.faults.stage import TASKS, environment_on
from tests.acceptance.faults.viewers import viewers
from tests.harness.enqueueing import enqueue
from tests.harness.worker import start_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.acceptance.faults.stage import Stage
    from tests.acceptance.faults.viewers import Viewer
    from tests.harness.processes import Processes

#: How long the broker waits for a task's acknowledgement before it delivers the task again.
VISIBILITY_SECONDS = 4


def is_stalled(viewer: Viewer) -> bool:
    """Return whether the last word was that the task is stalled."""
    return bool(viewer.messages[-1]["stalled"])


async def test_a_task_whose_process_is_killed_fails_on_every_transport(stage: Stage) -> None:
    """The worker's main process tells of the loss; the next task is none the worse for it."""
    task, gate = await stage.gated(lines=3)
    async with viewers(stage.urls, task) as crowd:
        await stage.begin(gate, crowd)
        stage.worker.kill_children()
    for viewer in crowd:
        assert viewer.states[-1] == "FAILURE"
        assert viewer.messages[-1]["error_type"] == "WorkerLostError"
    after = await stage.enqueue("faults.busy", 10, 5, 0.1, countdown=0.5)
    async with viewers(stage.urls, after) as crowd:
        pass
    assert {viewer.states[-1] for viewer in crowd} == {"SUCCESS"}


async def test_a_task_of_a_killed_worker_is_stalled_and_then_run_by_another(
    stage: Stage, processes: Processes, database: Path, outcome: Callable[[str], None]
) -> None:
    """stalled: true is told, then STARTED again by the new worker, then the end, once."""
    environment = environment_on(
        stage.mortal.url,
        stage.broker_url,
        database,
        queue="redelivered",
        broker_transport_options={"visibility_timeout": VISIBILITY_SECONDS},
    )
    first = start_worker(processes, environment, name="doomed", concurrency=1, include=[TASKS])
    gate = uuid.uuid4().hex
    task = await enqueue(stage.urls[0], "faults.patient", gate, queue="redelivered")
    async with viewers(stage.urls, task) as crowd:
        await asyncio.gather(*(viewer.until("STARTED") for viewer in crowd))
        os.killpg(first.process.pid, signal.SIGKILL)
        killed = time.monotonic()
        await asyncio.gather(*(viewer.wait_for(partial(is_stalled, viewer)) for viewer in crowd))
        stalled = time.monotonic() - killed
        second = start_worker(processes, environment, name="heir", concurrency=1, include=[TASKS])
        # It asks for what is overdue when it starts, and again after a while.
        await asyncio.to_thread(stage.open, gate)
        async with asyncio.timeout(90):
            await asyncio.gather(*(viewer.until("SUCCESS", 90) for viewer in crowd))
    redelivered = max(viewer.ended_at or 0.0 for viewer in crowd) - killed
    outcome(f"stalled after {stalled:.1f} s, ended by another worker after {redelivered:.1f} s")
    second.process.stop()
    for viewer in crowd:
        told = [message for message in viewer.messages if message.state == "STARTED"]
        assert any(message["stalled"] for message in told), viewer.transport
        assert not told[-1]["stalled"], viewer.transport
        assert viewer.states[-1] == "SUCCESS"
        assert viewer.messages[-1]["stalled"] is False
