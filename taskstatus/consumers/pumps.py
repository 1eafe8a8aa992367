"""The tasks that serve one connection side by side: the first error of one ends them all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Self

from taskstatus.cancellation import stop

__all__ = ["Pumps"]


class Pumps:
    """An async context manager; leaving it stops what still runs.

    Unlike asyncio.TaskGroup it lets its owner wait for the next change with a timeout, raises an
    error as it is, and asks again when a cancellation gets lost.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._error: BaseException | None = None
        #: Whether further ones may be started: not before it is entered, nor once it is left.
        self.open = False

    def __len__(self) -> int:
        return len(self._running)

    async def __aenter__(self) -> Self:
        self.open = True
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.open = False
        await stop(*self._running)

    def start(self, pump: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine; one that is cancelled has ended in good order."""
        task = asyncio.create_task(pump)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        self._error = self._error or error
        self._changed.set()

    async def wait(self, seconds: float) -> bool:
        """Wait until one has ended, so long at most; return whether one has.

        Raises what the first one to fail has raised.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        if self._error is not None:
            raise self._error
        return True

    async def join(self) -> None:
        """Return when all have ended. Raises as wait() does."""
        while self._running or self._changed.is_set():
            await self._changed.wait()
            self._changed.clear()
            if self._error is not None:
                raise self._error
