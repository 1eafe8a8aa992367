"""What task authors call inside a Celery task: ``track()``, ``progress()`` and ``log()``.

Outside a task they do nothing, so that code which uses them runs in a shell and in tests as well.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Sized
from types import GeneratorType
from typing import Any, TypeVar, cast

from celery import current_task

from taskstatus import changes
from taskstatus.activity import Activity
from taskstatus.conf import settings
from taskstatus.publisher import publish

__all__ = ["current_activity", "log", "progress", "track"]

T = TypeVar("T")

#: Iterations between two looks at the clock, at most: a look costs as much as an iteration, and a
#: loop that suddenly turns slow must not go unheard for long.
MAX_STRIDE = 16


def current_activity() -> Activity | None:
    """Return what the task that runs in this thread is doing, or None outside a task."""
    task: Any = current_task  # a proxy; falsy outside a task
    return getattr(task.request, "taskstatus", None) if task else None


def track(rows: Iterable[T], total: float | None = None, message: str = "") -> Iterable[T]:
    """Yield each row and tell how many are done.

    ``total`` is ``len(rows)`` where that is known. Says so at the start, at most once per
    PROGRESS_INTERVAL_SECONDS, and at the end, however the loop ends. Raises Cancelled when the
    task was asked to stop, and what ``rows`` raises.
    """
    activity = current_activity()
    if activity is None:
        return rows
    if total is None and isinstance(rows, Sized):
        total = len(rows)
    loop = _track(activity, rows, total, message)
    activity.loops.add(cast("GeneratorType[Any, None, None]", loop))
    return loop


def _track(
    activity: Activity, rows: Iterable[T], total: float | None, message: str
) -> Generator[T, None, None]:
    patience = settings.PROGRESS_INTERVAL_SECONDS / 4
    meter, clock = activity.meter, time.monotonic
    done = told = 0
    stride = look_at = 1
    looked = told_at = clock()
    meter.update(0, total, message)
    meter.check()
    try:
        for row in rows:
            yield row
            done += 1
            if done >= look_at:
                now = clock()
                if now - told_at >= patience:
                    meter.update(done, total, message)
                    meter.check()
                    told, told_at = done, now
                else:
                    # Should the next row take long, this is what will be told meanwhile.
                    meter.replace(done, total, message, now)
                if now - looked >= patience:
                    stride = 1
                elif stride < MAX_STRIDE:
                    stride *= 2
                looked, look_at = now, done + stride
    finally:
        if done != told:
            meter.update(done, total, message)


def progress(current: float, total: float | None = None, message: str = "") -> None:
    """Tell how far the task is: ``current`` of ``total`` (None: unknown).

    At most one message per PROGRESS_INTERVAL_SECONDS goes out; the last value always does. Raises
    TypeError for what is not a number, and Cancelled when the task was asked to stop.
    """
    values: tuple[object, object] = (current, total)
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise TypeError(f"progress() takes numbers, not {value!r}")
    activity = current_activity()
    if activity is not None:
        activity.meter.update(current, total, message)
        activity.meter.check()


def log(line: object, level: str = "info") -> None:
    """Write a line to the task's log, for those who follow it. Never held back, never dropped."""
    activity = current_activity()
    if activity is not None:
        publish(changes.log(activity.run, line, level=level))
