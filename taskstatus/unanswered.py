"""The change that the store was sent last, while nobody has waited for its answer."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

__all__ = ["Unanswered"]

#: How often a thread looks whether an answer has been left alone.
LOOK_SECONDS = 0.1


class Unanswered:
    """One change at most. Its answer is read by whoever is to tell the store something next, or by
    a thread once it has seen it twice. Thread-safe; empty after a fork: the parent reads.
    """

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._answer: Callable[[], object] | None = None
        #: Reentrant, since a collected generator or a signal may publish while an answer is read.
        self._lock = threading.RLock()
        self._reading = False
        #: Whether it has come since the thread looked.
        self._is_new = False
        self._thread: threading.Thread | None = None

    def hold(self, answer: Callable[[], object]) -> None:
        """Take over what reads the answer, waiting for it, and sees to a change that was lost.

        Reads the last one, should it be there. Whoever is interrupted in reading leaves it to the
        next.
        """
        with self._lock:
            self.read()
            self._answer = answer
            self._is_new = True
            if self._thread is None:
                thread = threading.Thread(
                    target=self._look, name="taskstatus-unanswered", daemon=True
                )
                thread.start()
                self._thread = thread

    def read(self) -> None:
        """Return when there is no answer to wait for. Raises what interrupts the wait."""
        with self._lock:
            if self._answer is None or self._reading:
                return
            self._reading = True
            try:
                self._answer()
                self._answer = None
            finally:
                self._reading = False

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._lock:
                if self._is_new:
                    self._is_new = False
                    continue
                self._thread = None
                self.read()
                return
