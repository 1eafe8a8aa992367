"""A cancellation that what was awaited has forgotten.

redis-py, and so the channel layers on it, sends by ``asyncio.wait_for()``, which before Python 3.12
forgets that it was cancelled when the sending is done at the same moment. Whoever was cancelled
would go on, and a timeout would be none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

__all__ = ["heeded"]


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Raise CancelledError on leaving when the task was cancelled inside, and it did not show."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    yield
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
