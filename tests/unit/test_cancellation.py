"""A cancellation that what was awaited has forgotten shows all the same."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from taskstatus.cancellation import heeded


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
