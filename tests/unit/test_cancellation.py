"""A cancellation that is forgotten shows all the same, and whoever is stopped stops."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from taskstatus import cancellation
from taskstatus.cancellation import heeded, stop


async def forget() -> None:
    """Wait until cancelled, and go on."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


async def test_a_forgotten_timeout_is_one() -> None:
    """What comes after it is not begun."""

    async def work() -> None:
        async with asyncio.timeout(0):
            with heeded():
                await forget()
            pytest.fail("it went on")

    with pytest.raises(TimeoutError):
        await work()


async def test_a_forgotten_cancellation_is_one() -> None:
    """The task has ended as whoever cancelled it may expect."""

    async def work() -> None:
        with heeded():
            await forget()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_nothing_is_raised_without_one() -> None:
    """Neither is what others were cancelled for before."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await forget()
    with heeded():
        await asyncio.sleep(0)
    task.uncancel()


async def test_an_error_is_what_it_was() -> None:
    """It is not replaced."""
    with pytest.raises(ZeroDivisionError), heeded():
        raise ZeroDivisionError


UNIT = 0.02


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody be waited for longer than a few units."""
    monkeypatch.setattr(cancellation, "STOP_SECONDS", 10 * UNIT)


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
