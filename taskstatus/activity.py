"""What one run of a task is doing, kept with Celery's request while its body runs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from types import GeneratorType
from typing import Any
from weakref import WeakSet

from taskstatus.changes import Change, Run
from taskstatus.meter import Meter
from taskstatus.publisher import publish
from taskstatus.states import State

__all__ = ["Activity"]

_last = threading.local()


class Activity:
    """A run, its progress, and the ``track()`` loops that are open."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.meter = Meter(run)
        #: Whether the task has handed its id on: to its next attempt, or to another task.
        self.handed_on = False
        #: Why the task asks for another attempt, while it does.
        self.retry_reason: BaseException | None = None
        #: The outcome that the task's author has set by ``update_state``, and its meta.
        self.by_hand: tuple[State, Mapping[str, Any]] | None = None

    @cached_property
    def loops(self) -> WeakSet[GeneratorType[Any, None, None]]:
        """The loops that are open; most tasks have none, and no set is made for them."""
        return WeakSet()

    @staticmethod
    def last_here() -> Activity | None:
        """Return the activity whose body was the last to end in this thread."""
        activity: Activity | None = getattr(_last, "activity", None)
        return activity

    @staticmethod
    def of(request: Any) -> Activity | None:
        """Return the activity that belongs to a request of Celery's, if its body is running."""
        activity: Activity | None = getattr(request, "taskstatus", None)
        return activity

    def attach(self, request: Any) -> None:
        """Let it be found by the request."""
        request.taskstatus = self

    def finish(self) -> None:
        """Publish what is held back, before the outcome is."""
        for loop in list(vars(self).get("loops", ())):
            # Closing a suspended loop makes it say how far it came.
            if loop.gi_frame is not None and not loop.gi_running:
                loop.close()
        self.meter.flush()

    def end(self) -> None:
        """Note that the body has ended; what Celery has to say of it may come after that."""
        self.finish()
        _last.activity = self

    def hand_on(self, change: Change) -> None:
        """Publish that the task's id goes to its next attempt, or to another task; once."""
        if not self.handed_on:
            self.finish()
            publish(change)
            self.handed_on = True
