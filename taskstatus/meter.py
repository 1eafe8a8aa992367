"""How far a run is: rate, remaining time, and how often to say so."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from taskstatus import changes
from taskstatus.changes import Change, Run
from taskstatus.conf import settings
from taskstatus.exceptions import Cancelled
from taskstatus.messages import text
from taskstatus.publisher import publish
from taskstatus.states import State

__all__ = ["Meter", "progress_of"]

#: Weight of the newest speed in the rate, as tqdm's ``smoothing``.
SMOOTHING = 0.3
#: Values that come closer together than this tell nothing of the rate.
SHORTEST_SECONDS = 0.001


#: Looked up for every few rows of a loop.
PROGRESS = State.PROGRESS

_Held = tuple[str, float | None, float | None, str | None, float]


class _Value(NamedTuple):
    state: str
    current: float | None
    total: float | None
    #: None: the state comes with no progress.
    message: str | None
    #: When it was told.
    at: float


class Meter:
    """Publishes the progress of one run, at most once per PROGRESS_INTERVAL_SECONDS.

    A value that comes too soon is held back and sent when its time has come, or by flush(); of
    several, the newest. A change of state is sent at once. Thread-safe.
    """

    def __init__(self, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self.run = run
        self._clock = clock
        self._lock = threading.RLock()
        #: As a plain tuple, since most are replaced.
        self._held: _Held | None = None
        self._timer: threading.Timer | None = None
        self._state = ""
        self._sent = -math.inf
        self._speed = _Speed()
        #: Whether somebody wants the task to stop.
        self.asked_to_stop = False

    def update(
        self, current: float | None, total: float | None, message: str, state: str = State.PROGRESS
    ) -> None:
        """Take a value and publish it now or soon."""
        self._put(_Value(state, current, total, message, self._clock()))

    def replace(self, current: float, total: float | None, message: str, at: float) -> None:
        """Take a value in place of one that is held back; cheaper than update()."""
        if self._timer is None:
            self.update(current, total, message)
        else:
            self._held = (PROGRESS, current, total, message, at)

    def enter(self, state: str) -> None:
        """Take a state of the task's own that comes with no progress."""
        self._put(_Value(state, None, None, None, self._clock()))

    def _put(self, value: _Value) -> None:
        with self._lock:
            self._held = value
            wait = self._sent + settings.PROGRESS_INTERVAL_SECONDS - value.at
            if wait <= 0 or value.state != self._state:
                self.flush()
            elif self._timer is None:
                self._timer = threading.Timer(wait, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Publish what is held back."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._held is None:
                return
            value, self._held = _Value(*self._held), None
            self._state = value.state
            self._sent = self._clock()
            self.asked_to_stop = publish(self._change(value)) or self.asked_to_stop

    def _change(self, value: _Value) -> Change:
        """Return what to publish; worked out for the few values that are."""
        if value.message is None:
            return changes.custom(self.run, value.state, None)
        rate = self._speed.add(_finite(value.current), value.at)
        progress = progress_of(value.current, value.total, value.message, rate=rate)
        if value.state == State.PROGRESS:
            return changes.progressed(self.run, progress)
        return changes.custom(self.run, value.state, progress)

    def check(self) -> None:
        """Raise Cancelled when somebody wants the task to stop."""
        if self.asked_to_stop:
            raise Cancelled


class _Speed:
    """Units per second, smoothed; unknown until two values have come some time apart."""

    _rate: float | None = None
    _last: tuple[float, float] | None = None

    def add(self, current: float | None, now: float) -> float | None:
        if current is None:
            return None
        if self._last is None or current < self._last[0]:
            # The first value, or a new count from the start.
            self._last, self._rate = (current, now), None
        elif now - self._last[1] >= max(settings.PROGRESS_INTERVAL_SECONDS, SHORTEST_SECONDS):
            speed = (current - self._last[0]) / (now - self._last[1])
            self._rate = (
                speed if self._rate is None else SMOOTHING * speed + (1 - SMOOTHING) * self._rate
            )
            self._last = (current, now)
        return self._rate


def _finite(value: float | None) -> float | None:
    """Return a number, or None for one that can't be calculated with, a giant integer included."""
    largest = sys.float_info.max
    return value if value is not None and -largest <= value <= largest else None


def progress_of(
    current: float | None, total: float | None, message: str, *, rate: float | None = None
) -> dict[str, Any]:
    """Return the wire's progress; nothing in it is invented."""
    percent = eta = None
    current, total = _finite(current), _finite(total)
    # More than the total means that the total is wrong, so no share can be told.
    if current is not None and total and 0 <= current <= total:
        percent = round(100 * current / total, 2)
        if rate:
            eta = round((total - current) / rate, 1)
    return {
        "current": current,
        "total": total,
        "percent": percent,
        "message": text(message),
        "rate": None if rate is None else round(rate, 3),
        "eta": eta,
    }
