"""Redis dies, hangs, forgets, refuses, and cuts connections, while a task runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.faults.viewers import viewers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.acceptance.faults.stage import Stage

LINES = 40
PAUSE = 0.05


@contextlib.asynccontextmanager
async def dead(stage: Stage) -> AsyncIterator[None]:
    """Killed with SIGKILL, and started again empty."""
    with stage.mortal.dead():
        yield
        await asyncio.sleep(2)


@contextlib.asynccontextmanager
async def hung(stage: Stage) -> AsyncIterator[None]:
    """Stopped for longer than any timeout of ours."""
    with stage.mortal.hung():
        yield
        await asyncio.sleep(5)


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


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_everybody_has_the_end_soon_after_redis_is_back(stage: Stage, fault: object) -> None:
    """The task runs on and ends; no viewer has a hole that was not announced."""
    assert callable(fault)
    task, gate = await stage.gated(lines=LINES, pause=PAUSE)
    async with viewers(stage.urls, task) as crowd:
        await asyncio.gather(*(viewer.until("PROGRESS") for viewer in crowd))
        async with fault(stage):
            await asyncio.to_thread(stage.open, gate)
            taken = await stage.runtime(task)
            stage.check_pages()
        back = time.monotonic()
    assert taken < 1.05 * LINES * PAUSE + 4
    stage.check(crowd, lines=LINES + 1, back=back)


async def test_a_task_that_ends_after_the_fault_is_told_live_again(stage: Stage) -> None:
    """Groups are joined again after a restart: the end comes by the layer, not by reconciling."""
    task, gate = await stage.gated(lines=3)
    async with viewers(stage.urls, task) as crowd:
        await asyncio.gather(*(viewer.until("PROGRESS") for viewer in crowd))
        with stage.mortal.dead():
            pass
        # Two rounds of reconciling: one finds the store again, one joins the groups again.
        await asyncio.sleep(4)
        began = time.monotonic()
        await asyncio.to_thread(stage.open, gate)
    stage.check(crowd, lines=4, back=began)
