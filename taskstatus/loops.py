"""One thing for each event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import TypeVar

__all__ = ["for_this_loop"]

T = TypeVar("T")


def for_this_loop(things: MutableMapping[asyncio.AbstractEventLoop, T], make: Callable[[], T]) -> T:
    """Return the running event loop's, which is made on first use.

    Where ``things`` is weak, it goes with its loop, unless it holds that.
    """
    loop = asyncio.get_running_loop()
    thing = things.get(loop)
    if thing is None:
        thing = things[loop] = make()
    return thing
