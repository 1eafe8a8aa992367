"""SIGTERM: let every client go in good order before the server stops.

Daphne cuts its connections when it is told to stop, and uvicorn waits for streams that do not end
by themselves. So the signal is caught here first: streams are ended at a message boundary, and only
then is the server's own handler called.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from taskstatus.loops import for_this_loop

__all__ = ["Drain", "get_drain"]

logger = logging.getLogger(__name__)

#: How long clients may take to go. Then the server stops whether they have gone or not.
DRAIN_SECONDS = 5.0


class Drain:
    """Counts an event loop's connections, and asks them to end when the process is to stop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._connections = 0
        self._gone = asyncio.Event()
        self._previous: Any = None
        self._callbacks: set[Callable[[], None]] = set()
        self._begun = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def begun(self) -> bool:
        """Whether the process is about to stop: nothing new should begin."""
        return self._begun.is_set()

    async def wait(self) -> None:
        """Return when draining begins."""
        await self._begun.wait()

    def install(self) -> None:
        """Catch SIGTERM in front of the server's own handler, where that can be done."""
        try:
            self._previous = signal.getsignal(signal.SIGTERM)
            self._loop.add_signal_handler(signal.SIGTERM, self.begin)
        except (ValueError, RuntimeError, NotImplementedError):
            # Not the main thread, or not a loop with signals: the server stops in its own way.
            logger.debug("SIGTERM can't be caught here; clients will be cut off")

    def __enter__(self) -> None:
        self._connections += 1

    def __exit__(self, *exc_info: object) -> None:
        self._connections -= 1
        if self.begun and not self._connections:
            self._gone.set()

    def on_begin(self, callback: Callable[[], None]) -> None:
        """Call this when draining begins."""
        self._callbacks.add(callback)

    def begin(self) -> None:
        """Ask every connection to end; stop the server once they have, or after DRAIN_SECONDS."""
        if self.begun:
            return
        self._begun.set()
        logger.info("Stopping: %d connections are asked to come back", self._connections)
        for callback in self._callbacks:
            callback()
        self._task = self._loop.create_task(self._finish())

    async def _finish(self) -> None:
        if self._connections:
            try:
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._gone.wait()
            except TimeoutError:
                logger.warning("Stopping with %d connections still open", self._connections)
        self._stop()

    def _stop(self) -> None:
        self._loop.remove_signal_handler(signal.SIGTERM)
        previous = self._previous
        if callable(previous):
            signal.signal(signal.SIGTERM, previous)
            previous(signal.SIGTERM, None)
        else:
            signal.signal(signal.SIGTERM, previous or signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)


_drains: WeakKeyDictionary[asyncio.AbstractEventLoop, Drain] = WeakKeyDictionary()


def get_drain() -> Drain:
    """Return the drain of the running event loop; made, and installed, on first use."""
    return for_this_loop(_drains, _installed)


def _installed() -> Drain:
    drain = Drain(asyncio.get_running_loop())
    drain.install()
    return drain
