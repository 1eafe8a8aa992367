"""One thing for each event loop: made once there, and gone with the loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from weakref import WeakKeyDictionary

from taskstatus.loops import for_this_loop
from taskstatus.subscription import LONG_SECONDS, Subscription


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
    """Whoever has waited long leaves nothing; what is synchronous makes a loop for each call."""

    async def here() -> weakref.ref[asyncio.AbstractEventLoop]:
        subscription = Subscription()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await subscription.wait(LONG_SECONDS)
        return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.run(here())
    gc.collect()
    assert loop() is None
