"""What the consumers share: whoever is stopped stops."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from taskstatus.consumers import base
from taskstatus.consumers.base import stop

UNIT = 0.02


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody be waited for longer than a few units."""
    monkeypatch.setattr(base, "STOP_SECONDS", 10 * UNIT)


async def test_nothing_to_stop_is_no_mistake() -> None:
    """A connection may end before it has begun to follow."""
    await stop()
    done: asyncio.Task[None] = asyncio.create_task(asyncio.sleep(0))
    await done
    await stop(done)


async def test_running_tasks_are_stopped() -> None:
    """When stop() returns, all of them have ended."""
    tasks = [asyncio.create_task(asyncio.sleep(1_000 * UNIT)) for _ in range(3)]
    await asyncio.sleep(0)
    await stop(*tasks)
    assert all(task.cancelled() for task in tasks)


@pytest.mark.usefixtures("impatient")
async def test_lost_cancellation_is_repeated() -> None:
    """Before Python 3.12 ``asyncio.wait_for()`` forgets one now and then; so we ask again."""
    lost = 0

    async def forgetful() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(1_000 * UNIT)
            except asyncio.CancelledError:
                lost += 1
                if lost > 3:
                    raise

    task = asyncio.create_task(forgetful())
    await asyncio.sleep(0)
    await stop(task)
    assert task.cancelled()
    assert lost == 4


@pytest.mark.usefixtures("impatient")
async def test_task_that_will_not_end_is_left() -> None:
    """A server that stops waits for nobody for ever."""
    let_go = asyncio.Event()

    async def stubborn() -> None:
        while not let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await let_go.wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(50 * UNIT):
        await stop(task)
    assert not task.done()
    let_go.set()
    await task
