"""A cancellation that what was awaited has forgotten.

redis-py, and so the channel layers on it, sends by ``asyncio.wait_for()``, which before Python 3.12
forgets that it was cancelled when the sending is done at the same moment. Whoever was cancelled
would go on, and a timeout would be none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

__all__ = ["heeded", "stop"]

STOP_SECONDS = 5.0
STOP_TRIES = 10


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Raise CancelledError on leaving when the task was cancelled inside, and it did not show."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    yield
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError


async def stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait for them, a few seconds at most."""
    # Again and again, since one of them may forget it.
    for _ in range(STOP_TRIES):
        running = [task for task in tasks if not task.done()]
        if not running:
            return
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=STOP_SECONDS / STOP_TRIES)
