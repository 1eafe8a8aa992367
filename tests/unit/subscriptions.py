"""What connections hold in this process while they last, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from taskstatus import limits
from taskstatus.hub import get_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["eventually", "readers", "with_nothing_left"]


@contextlib.asynccontextmanager
async def with_nothing_left() -> AsyncIterator[None]:
    """Let connections be opened; by the end they must have given everything back."""
    before = asyncio.all_tasks()
    yield
    assert readers() == 0
    assert not limits._open
    await get_hub().aclose()
    assert not [task for task in asyncio.all_tasks() - before if "taskstatus" in repr(task)]


def readers() -> int:
    """Return how many subscriptions the hub holds."""
    return sum(len(watch.readers) for watch in get_hub()._watches.values())


async def eventually(condition: Callable[[], bool]) -> None:
    """Return once the condition holds, for what nothing tells of."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)
