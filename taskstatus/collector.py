"""Python's cyclic collector in a process that holds many streams: it walks what is new.

A full collection walks every object there is: Django, Celery, the server and all that is open, for
a second once that is a million objects, and Python begins one whenever they have grown by a
quarter. But of what is open, hardly anything ever becomes a circle that nobody holds. So what has
survived a full collection is set aside (``gc.freeze()``), and the next one walks what has come
since. What is set aside is freed as ever once nobody holds it; for circles in it ``tend()`` looks
when there is more of it than the open streams account for.
"""

from __future__ import annotations

import gc
import sys
import sysconfig
from typing import Any

from taskstatus.conf import settings
from taskstatus.counts import COUNTS

__all__ = ["Collector", "tend_collector", "tune_collector"]

#: What Python begins with, before 3.13 and since. From 3.14 on it collects by other rules.
DEFAULTS = ((700, 10, 10), (2_000, 10, 10))
FIRST_WITH_OTHER_RULES = (3, 14)
#: Python 3.12 sets some of its own objects aside.
FROZEN_BY_PYTHON = 1_000
#: The first of three collections walks so many new objects, the third, which is a full one, all
#: of them: none is walked more than three times, and none of the three takes much over 10 ms.
NEW_OBJECTS = 5_000
THRESHOLDS = (NEW_OBJECTS, 0, 0)
#: What an open stream holds, about, the server's part of it included.
STREAM_OBJECTS = 100
#: When so many times as much is set aside as there should be, there may be circles in it.
GROWTH = 1.5


class Collector:
    """Sets aside what has survived a full collection, until ``end()``."""

    def __init__(self) -> None:
        self._before = gc.get_threshold()
        #: What was set aside, streams apart, when it was last known to be free of circles.
        self._base = 0
        #: How many objects are set aside at most: some may have been freed since.
        self._frozen = 0

    def begin(self) -> None:
        """Begin with what is there: what was imported and made at the start, which stays."""
        # A pause, but of the first stream, when there is no other.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
        gc.callbacks.append(self._after)
        self._base = self._frozen = gc.get_freeze_count()
        _forget_size()

    def end(self) -> None:
        """Leave everything to Python again."""
        gc.callbacks.remove(self._after)
        gc.set_threshold(*self._before)
        gc.unfreeze()

    def tend(self) -> None:
        """Look for circles in what is set aside, if there is too much of it.

        This is a full collection as Python would make one: it takes its time. Counting does so as
        well, if less, and is put off for as long as there can't be too much.
        """
        streams = STREAM_OBJECTS * sum(COUNTS.open.values())
        most = GROWTH * (self._base + streams)
        if self._frozen <= most:
            return
        self._frozen = gc.get_freeze_count()
        if self._frozen <= most:
            return
        gc.unfreeze()
        gc.collect()
        self._frozen = gc.get_freeze_count()
        self._base = max(0, self._frozen - streams)
        _forget_size()

    def _after(self, phase: str, info: dict[str, Any]) -> None:
        """Be called by Python before and after each collection."""
        if phase == "stop" and info["generation"] == 2:
            self._frozen += len(gc.get_objects(2))
            gc.freeze()


_collector: Collector | None = None
_decided = False


def tune_collector() -> None:
    """Begin, once for the process, unless it has rules of its own for Python's collector.

    For where streams are served, once all is imported.
    """
    global _collector, _decided  # noqa: PLW0603 - Python's collector is one for the process as well
    if _decided:
        return
    _decided = True
    if settings.TUNE_COLLECTOR and _is_untouched():
        _collector = Collector()
        _collector.begin()


def tend_collector() -> None:
    """Call now and then, where a pause does the least harm."""
    if _collector is not None:
        _collector.tend()


def _is_untouched() -> bool:
    return (
        sys.implementation.name == "cpython"
        and sys.version_info < FIRST_WITH_OTHER_RULES
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
        and gc.isenabled()
        and gc.get_threshold() in DEFAULTS
        and gc.get_freeze_count() < FROZEN_BY_PYTHON
    )


def _forget_size() -> None:
    """Make Python forget how much it had to walk last.

    It puts off the next full collection until a quarter of that is new.
    """
    gc.collect()
