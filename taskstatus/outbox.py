"""Changes that the store would not take at once, until it does."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter, deque
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

    While it holds any change of a task, the task's next one must go through it or wait its turn(),
    so that none overtakes another. Of consecutive interim states of a task only the newest is kept;
    beyond MAX_CHANGES the oldest is dropped, and said so once. Survives a fork empty: the parent
    sends what it holds.
    """

    def __init__(self, send: Callable[[Change], object]) -> None:
        self._send = send
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._changes: deque[Change] = deque()
        #: How many of them each task has.
        self._shares: Counter[str] = Counter()
        self._lock = threading.Lock()
        #: Told when a task's last change is sent, and when the store does not answer.
        self._news = threading.Condition(self._lock)
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
                self._shares[change.task_id] += 1
            if len(self._changes) > MAX_CHANGES:
                self._take(1)
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
        self._news.notify_all()

    def _take(self, position: int) -> None:
        """Remove a change, sent or dropped."""
        task_id = self._changes[position].task_id
        del self._changes[position]
        self._shares[task_id] -= 1
        if not self._shares[task_id]:
            del self._shares[task_id]
            self._news.notify_all()

    def flush(self, seconds: float) -> bool:
        """Wait until everything is sent, so long at most; return whether it is."""
        with self._news:
            return self._news.wait_for(lambda: not self._changes, seconds)

    def settle(self, seconds: float) -> None:
        """Wait until everything is sent or the store does not answer, so long at most."""
        with self._news:
            self._news.wait_for(lambda: self.failing or not self._changes, seconds)

    def turn(self, task_id: str, seconds: float) -> bool:
        """Wait until all changes of a task are sent, so long at most, and not at all for a store
        that does not answer; return whether its next change may be sent past the outbox."""
        with self._news:
            self._news.wait_for(lambda: self.failing or task_id not in self._shares, seconds)
            return not self.failing and task_id not in self._shares

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._changes:
                    self._thread = None
                    return
                change = self._changes[0]
            try:
                self._send(change)
            except StoreUnavailable:
                with self._lock:
                    self._note_failure()
                time.sleep(RETRY_SECONDS)
                continue
            except Exception:
                logger.exception("A change of a task could not be recorded")
            with self._lock:
                self.failing = False
                self._take(0)
                if self._dropped and not self._changes:
                    logger.error("%d changes did not fit in the outbox", self._dropped)
                    self._dropped = 0


def _stands_for(change: Change, last: Change) -> bool:
    return (
        (change.task_id, change.kind, change.state, change.run)
        == (last.task_id, last.kind, last.state, last.run)
        and change.kind == "status"
        and is_interim(change.state)
    )
