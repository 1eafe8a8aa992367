"""Redis dies, hangs, forgets, refuses, and cuts connections, while a task runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.faults.viewers import Viewer, viewers
from tests.harness.clients import TRANSPORTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.acceptance.faults.stage import Stage

LINES = 40
PAUSE = 0.05
HUNG_SECONDS = 15


@contextlib.asynccontextmanager
async def dead(stage: Stage) -> AsyncIterator[None]:
    """Killed with SIGKILL, and started again empty."""
    with stage.mortal.dead():
        yield
        await asyncio.sleep(2)


@contextlib.asynccontextmanager
async def hung(stage: Stage) -> AsyncIterator[None]:
    """Stopped for a quarter of a minute: longer than any timeout of ours."""
    began = time.monotonic()
    with stage.mortal.hung():
        yield
        await asyncio.sleep(HUNG_SECONDS - (time.monotonic() - began))


@contextlib.asynccontextmanager
async def flushed(stage: Stage) -> AsyncIterator[None]:
    """All data lost at one go."""
    stage.mortal.order("FLUSHALL")
    yield


@contextlib.asynccontextmanager
async def flushed_again_and_again(stage: Stage) -> AsyncIterator[None]:
    """All data lost while the task goes on, more than once."""
    for _ in range(3):
        stage.mortal.order("FLUSHALL")
        await asyncio.sleep(LINES * PAUSE / 4)
    yield


@contextlib.asynccontextmanager
async def cut(stage: Stage) -> AsyncIterator[None]:
    """Every connection killed, those that publish and those that listen, again and again."""
    for _ in range(5):
        stage.mortal.order("CLIENT", "KILL", "TYPE", "pubsub")
        stage.mortal.order("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await asyncio.sleep(LINES * PAUSE / 6)
    yield


@contextlib.asynccontextmanager
async def full(stage: Stage) -> AsyncIterator[None]:
    """No memory for another key, and nothing may be evicted."""
    stage.mortal.order("CONFIG", "SET", "maxmemory", "1")
    try:
        yield
        await asyncio.sleep(2)
    finally:
        stage.mortal.order("CONFIG", "SET", "maxmemory", "0")


FAULTS = (dead, hung, flushed, flushed_again_and_again, cut, full)


@pytest.mark.traps  # a pooled connection is stale after a restart
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_everybody_has_the_end_soon_after_redis_is_back(
    stage: Stage, fault: object, outcome: Callable[[str], None]
) -> None:
    """The task runs on and ends; no viewer has a hole that was not announced."""
    assert callable(fault)
    task, gate = await stage.gated(lines=LINES, pause=PAUSE)
    async with viewers(stage.urls, task) as crowd:
        await stage.begin(gate, crowd)
        async with fault(stage):
            await asyncio.to_thread(stage.open, gate)
            taken = await stage.runtime(task)
            stage.check_pages()
        back = time.monotonic()
    assert taken < 1.05 * LINES * PAUSE + 4
    outcome(stage.check(crowd, lines=LINES + 1, back=back))


async def test_a_task_that_ends_after_the_fault_is_told_live_again(
    stage: Stage, outcome: Callable[[str], None]
) -> None:
    """Groups are joined again after a restart: the end comes by the layer, not by reconciling."""
    task, gate = await stage.gated(lines=3)
    async with viewers(stage.urls, task) as crowd:
        await stage.begin(gate, crowd)
        with stage.mortal.dead():
            pass
        # Two rounds of reconciling: one finds the store again, one joins the groups again.
        await asyncio.sleep(4)
        began = time.monotonic()
        await asyncio.to_thread(stage.open, gate)
    outcome(stage.check(crowd, lines=4, back=began))


async def test_a_silent_task_is_known_again_after_a_flush(
    stage: Stage, outcome: Callable[[str], None]
) -> None:
    """Its worker says again what it has; who comes with a cursor waits, and nobody gets a 404."""
    gate = uuid.uuid4().hex
    task = await stage.enqueue("faults.patient", gate)
    async with viewers(stage.urls, task) as crowd:
        await asyncio.gather(*(viewer.until("STARTED") for viewer in crowd))
        stage.mortal.order("FLUSHALL")
        began = time.monotonic()
        await asyncio.gather(*(viewer.wait_for(partial(is_reset, viewer)) for viewer in crowd))
        known = time.monotonic() - began
        async with TRANSPORTS["sse"](stage.urls[0], task.task_id, token=task.token) as late:
            message = await late.next()
        assert message.state == "STARTED"
        assert message["started_at"] is not None
        await asyncio.to_thread(stage.open, gate)
    assert {viewer.states[-1] for viewer in crowd} == {"SUCCESS"}
    outcome(f"known again to {len(crowd)} clients after {known:.1f} s")


def is_reset(viewer: Viewer) -> bool:
    """Return whether a viewer has begun anew."""
    return bool(viewer.messages[-1].reset)
