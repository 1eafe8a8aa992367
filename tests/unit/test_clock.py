"""One timer for many: each is woken when its time has come, and nobody who no longer sleeps."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from taskstatus.clock import Clock, get_clock

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


class Sleeper:
    """Notes when it was woken."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.at = 0.0

    def wake(self) -> None:
        """Note it."""
        self.at = asyncio.get_running_loop().time()
        self.woken.set()


@pytest.mark.parametrize("loop_factory", LOOPS, ids=["asyncio", "uvloop"])
def test_each_is_woken_in_its_second(loop_factory: object) -> None:
    """Whoever came first, and never early; the clock then has nobody left."""

    async def main() -> None:
        loop, clock = asyncio.get_running_loop(), get_clock()
        began = loop.time()
        waits = [1.5, 0.2, 0.2, 0.9, 0.0]
        sleepers = [Sleeper() for _ in waits]
        for sleeper, seconds in zip(sleepers, waits, strict=True):
            clock.add(sleeper, seconds)
        assert len(clock) == len(waits)
        async with asyncio.timeout(10):
            for sleeper in sleepers:
                await sleeper.woken.wait()
        for sleeper, seconds in zip(sleepers, waits, strict=True):
            # Event loops round to a millisecond.
            assert sleeper.at >= began + seconds - 0.002
        assert len(clock) == 0

    with asyncio.Runner(loop_factory=loop_factory) as runner:  # type: ignore[arg-type]
        runner.run(main())


async def test_who_is_removed_is_not_woken() -> None:
    """The others of the same second are; removing again does nothing."""
    clock = Clock()
    gone, stays, alone = Sleeper(), Sleeper(), Sleeper()
    due = clock.add(gone, 0.1)
    assert clock.add(stays, 0.1) == due
    lone = clock.add(alone, 1_000)
    clock.remove(gone, due)
    clock.remove(alone, lone)
    async with asyncio.timeout(10):
        await stays.woken.wait()
    clock.remove(stays, due)
    clock.remove(gone, due)
    assert not gone.woken.is_set()
    assert len(clock) == 0


async def test_one_timer_is_enough() -> None:
    """A thousand who sleep for minutes set it once, and one who sleeps less sets it anew."""
    clock = Clock()
    sleepers = [Sleeper() for _ in range(1_000)]
    for number, sleeper in enumerate(sleepers):
        clock.add(sleeper, 100 + number)
    timer = clock._timer
    assert timer is not None
    for sleeper in sleepers:
        clock.add(sleeper, 5_000)
    assert clock._timer is timer
    clock.add(sleepers[0], 10)
    assert timer.cancelled()
    clock._timer.cancel()


def test_each_event_loop_has_its_own() -> None:
    """What runs on one is not woken by another."""

    async def here() -> Clock:
        assert get_clock() is get_clock()
        return get_clock()

    assert asyncio.run(here()) is not asyncio.run(here())
