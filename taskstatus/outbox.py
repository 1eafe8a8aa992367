"""Changes that the store would not take at once, until it does."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from taskstatus.changes import Change
from taskstatus.exceptions import StoreUnavailable
from taskstatus.states import is_interim

__all__ = ["Outbox"]

logger = logging.getLogger(__name__)

MAX_CHANGES = 10_000
RETRY_SECONDS = 0.5


class Outbox:
    """Sends changes in order from a thread of its own, trying until the store takes them.

    While it holds anything, every change of the process must go through it, so that none overtakes
    another. Of consecutive interim states of a task only the newest is kept; beyond MAX_CHANGES
    the oldest is dropped, and said so once. Survives a fork empty: the parent sends what it holds.
    """

    def __init__(self, send: Callable[[Change], object]) -> None:
        self._send = send
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._changes: deque[Change] = deque()
        self._lock = threading.Lock()
        self._empty = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._dropped = 0
        #: Whether the store did not answer when it was last tried.
        self.failing = False

    def __len__(self) -> int:
        return len(self._changes)

    def put(self, change: Change, *, failed: bool = False) -> None:
        """Take a change over; ``failed`` when the store has just not answered to it. Never blocks
        on the store."""
        with self._lock:
            if failed:
                self._note_failure()
            last = self._changes[-1] if self._changes else None
            # The first one may be on its way right now, so it is left alone.
            if len(self._changes) > 1 and last is not None and _stands_for(change, last):
                self._changes[-1] = change
            else:
                self._changes.append(change)
            if len(self._changes) > MAX_CHANGES:
                del self._changes[1]
                self._dropped += 1
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="taskstatus-outbox", daemon=True
                )
                self._thread.start()

    def _note_failure(self) -> None:
        if not self.failing:
            logger.warning("The status store does not answer; changes are kept until it does")
        self.failing = True

    def flush(self, seconds: float) -> bool:
        """Wait until everything is sent, so long at most; return whether it is."""
        with self._empty:
            return self._empty.wait_for(lambda: not self._changes, seconds)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._changes:
                    self._thread = None
                    self._empty.notify_all()
                    if self._dropped:
                        logger.error("%d changes did not fit in the outbox", self._dropped)
                        self._dropped = 0
                    return
                change = self._changes[0]
            try:
                self._send(change)
            except StoreUnavailable:
                self._note_failure()
                time.sleep(RETRY_SECONDS)
                continue
            except Exception:
                logger.exception("A change of a task could not be recorded")
            with self._lock:
                self.failing = False
                self._changes.popleft()


def _stands_for(change: Change, last: Change) -> bool:
    return (
        (change.task_id, change.kind, change.state, change.run)
        == (last.task_id, last.kind, last.state, last.run)
        and change.kind == "status"
        and is_interim(change.state)
    )
