"""A worker's sign of life.

One key per worker, refreshed from a thread of its main process. A task that runs under a lease that
is gone is stalled: nobody else would tell when a whole worker is killed.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from taskstatus.conf import settings
from taskstatus.exceptions import StoreUnavailable
from taskstatus.stores import get_store

__all__ = ["Lease", "current", "hold", "lease_seconds", "start", "stop"]

logger = logging.getLogger(__name__)

_current: Lease | None = None


def lease_seconds() -> float:
    """Return how long a lease lasts unrefreshed; the rest of STALLED_AFTER_SECONDS is for a second
    look, so that a store which has just come back empty makes nobody stalled."""
    return settings.STALLED_AFTER_SECONDS * 2 / 3


def current() -> str:
    """Return the name of this worker's lease, "" outside a worker. Children inherit it."""
    return _current.name if _current is not None else ""


def hold(hostname: str) -> None:
    """Take a lease for this process, and for the children that it forks from now on."""
    global _current  # noqa: PLW0603 - a process is one worker
    _current = Lease(hostname)


def start(repeat: Callable[[], None]) -> None:
    """Begin to refresh the lease of this process, if it has one, and to ``repeat`` what it does."""
    if _current is not None:
        _current.start(repeat)


def stop() -> None:
    """Give the lease of this process up, if it has one."""
    if _current is not None:
        _current.stop()


class Lease:
    """Kept from start() to stop(). A worker that starts again under its old name has a new one."""

    def __init__(self, hostname: str) -> None:
        self.name = f"{hostname}:{os.getpid()}"
        self._stopped = threading.Event()

    def start(self, repeat: Callable[[], None]) -> None:
        """Begin to refresh, and call ``repeat`` each time that the store has answered."""
        threading.Thread(
            target=self._run, args=[repeat], name="taskstatus-lease", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop refreshing and give the lease up."""
        self._stopped.set()
        try:
            get_store().beat(self.name, 0)
        except StoreUnavailable:
            logger.info("A worker's lease could not be given up; it ends by itself")

    def _run(self, repeat: Callable[[], None]) -> None:
        while True:
            try:
                get_store().beat(self.name, lease_seconds())
                repeat()
            except StoreUnavailable:
                logger.info("A worker's lease could not be refreshed")
            except Exception:
                logger.exception("A worker's lease could not be refreshed")
            if self._stopped.wait(lease_seconds() / 4):
                return
