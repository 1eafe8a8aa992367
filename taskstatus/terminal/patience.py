"""How long to wait for a server that does not answer, and how often to try."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from taskstatus.terminal.exits import TerminalError

__all__ = ["OutOfPatience", "Patience", "retry_after_seconds"]

#: The longest wait before the first retry; it doubles with each one, up to the last.
FIRST_SECONDS = 0.5
LONGEST_SECONDS = 15.0
#: A server may ask for more, but not for the whole afternoon.
MOST_ASKED_SECONDS = 60.0
#: A server that has never answered may not even be one.
STRANGER_SECONDS = 10.0


class OutOfPatience(TerminalError):
    """The server has not answered for too long."""


class Patience:
    """Waits between tries: longer each time, and never all clients at the same moment.

    Ends with OutOfPatience after ``seconds`` without an answer; earlier, STRANGER_SECONDS, as
    long as there has been none at all. What happens is told through ``note``, once per outage.
    """

    def __init__(
        self,
        seconds: float,
        *,
        note: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = min(seconds, STRANGER_SECONDS)
        self._known_seconds = seconds
        self._note = note
        self._sleep = sleep
        self._clock = clock
        self._since: float | None = None
        self._tries = 0

    def answered(self) -> None:
        """Note that the server is there."""
        if self._since is not None:
            self._note("The server answers again.")
        self._since, self._tries, self._seconds = None, 0, self._known_seconds

    def wait(self, reason: str, *, at_least: float = 0) -> None:
        """Wait before the next try, ``at_least`` so long. Raises OutOfPatience."""
        now = self._clock()
        if self._since is None:
            self._since = now
            self._note(f"No news: {reason}. Trying again.")
        left = self._seconds - (now - self._since)
        # Full jitter (Brooker, "Exponential Backoff And Jitter", 2015).
        highest = min(FIRST_SECONDS * 2**self._tries, LONGEST_SECONDS)
        delay = at_least + random.uniform(0, highest)  # noqa: S311 - nothing to guess here
        if delay >= left:
            raise OutOfPatience(f"Gave up after {now - self._since:.0f} s: {reason}.")
        self._tries = min(self._tries + 1, 16)
        self._sleep(delay)


def retry_after_seconds(value: str) -> float:
    """Return what a Retry-After header asks for (RFC 9110 §10.2.3), 0 when it can't be read."""
    try:
        seconds = float(int(value))
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return 0
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0), MOST_ASKED_SECONDS)
