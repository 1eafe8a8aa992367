"""One thing for each event loop: made once there, and gone with the loop."""

from __future__ import annotations

import asyncio
import gc
from weakref import WeakKeyDictionary

from taskstatus import clock
from taskstatus.loops import for_this_loop


class Thing:
    """Something that an event loop has one of."""


async def test_it_is_made_once() -> None:
    """Whoever asks later gets the same."""
    things: dict[asyncio.AbstractEventLoop, Thing] = {}
    first = for_this_loop(things, Thing)
    assert for_this_loop(things, Thing) is first
    assert things == {asyncio.get_running_loop(): first}


def test_each_loop_has_its_own_which_goes_with_it() -> None:
    """Those of loops that are closed are not kept."""
    things: WeakKeyDictionary[asyncio.AbstractEventLoop, Thing] = WeakKeyDictionary()

    async def here() -> Thing:
        return for_this_loop(things, Thing)

    assert asyncio.run(here()) is not asyncio.run(here())
    gc.collect()
    assert not things


def test_clock_goes_with_its_loop() -> None:
    """It holds none, as what is synchronous makes a loop for each call."""

    async def here() -> None:
        clock.get_clock()

    asyncio.run(here())
    gc.collect()
    assert not [loop for loop in clock._clocks if loop.is_closed()]
