"""Tasks that serve one connection side by side."""

from __future__ import annotations

import asyncio

import pytest

from taskstatus.consumers.pumps import Pumps

UNIT = 0.02


async def wait_for(event: asyncio.Event) -> None:
    """End once the event has come."""
    await event.wait()


async def fail(message: str) -> None:
    """Fail."""
    raise RuntimeError(message)


async def test_wait_tells_whether_one_has_ended() -> None:
    """It returns when the time is over, or as soon as there is a change."""
    async with Pumps() as pumps:
        event = asyncio.Event()
        pumps.start(wait_for(event))
        assert not await pumps.wait(UNIT)
        event.set()
        assert await pumps.wait(1_000 * UNIT)
        assert not pumps
        assert not await pumps.wait(0)


async def test_first_error_comes_out_and_stops_the_others() -> None:
    """As it is, not in a group; further ones are not left unheard."""
    running: list[asyncio.Task[None]] = []

    async def serve() -> None:
        async with Pumps() as pumps:
            running.append(pumps.start(wait_for(asyncio.Event())))
            pumps.start(fail("one"))
            pumps.start(fail("two"))
            await asyncio.sleep(0)
            await pumps.wait(1_000 * UNIT)

    with pytest.raises(RuntimeError, match="one"):
        await serve()
    assert running[0].cancelled()


async def test_one_that_is_cancelled_has_ended_in_good_order() -> None:
    """Who unsubscribes does not end the connection."""
    async with Pumps() as pumps:
        event = asyncio.Event()
        task = pumps.start(wait_for(event))
        task.cancel()
        assert await pumps.wait(1_000 * UNIT)
        assert not pumps


async def test_join_returns_when_all_have_ended() -> None:
    """None at all is all."""
    async with Pumps() as pumps:
        await pumps.join()
        event = asyncio.Event()
        tasks = [pumps.start(wait_for(event)) for _ in range(3)]
        pumps.start(asyncio.sleep(0))
        asyncio.get_running_loop().call_later(UNIT, event.set)
        await pumps.join()
        assert all(task.done() for task in tasks)
        pumps.start(fail("late"))
        with pytest.raises(RuntimeError, match="late"):
            await pumps.join()


async def test_leaving_stops_what_still_runs() -> None:
    """All at the same time; from then on nothing should be started."""
    async with Pumps() as pumps:
        tasks = [pumps.start(wait_for(asyncio.Event())) for _ in range(3)]
        assert pumps.open
    assert all(task.cancelled() for task in tasks)
    assert not pumps.open
