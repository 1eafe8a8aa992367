"""What one run of a task is doing, kept with Celery's request while its body runs."""

from __future__ import annotations

from types import GeneratorType
from typing import Any
from weakref import WeakSet

from taskstatus.changes import Run
from taskstatus.meter import Meter

__all__ = ["Activity"]


class Activity:
    """A run, its progress, and the ``track()`` loops that are open."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.meter = Meter(run)
        self.loops: WeakSet[GeneratorType[Any, None, None]] = WeakSet()
        #: Whether the task has handed its id on: to its next attempt, or to another task.
        self.handed_on = False

    def finish(self) -> None:
        """Publish what is held back, before the outcome is."""
        for loop in list(self.loops):
            # Closing a suspended loop makes it say how far it came.
            if loop.gi_frame is not None and not loop.gi_running:
                loop.close()
        self.meter.flush()
