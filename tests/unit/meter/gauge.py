"""A meter that is given values, its clock, and what it publishes."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from taskstatus.changes import Run
from taskstatus.meter import Meter

if TYPE_CHECKING:
    from taskstatus.changes import Change

__all__ = ["INTERVAL", "RUN", "Clock", "Gauge", "Published"]

INTERVAL = 0.05
RUN = Run(task_id="an id", attempt=0, number=1, fields={"started_at": '"then"'})


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Published:
    """What has been published, in place of the publisher."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.asked_to_stop = False
        self.came = threading.Event()

    def __call__(self, change: Change) -> bool:
        """Take a change."""
        self.changes.append(change)
        self.came.set()
        return self.asked_to_stop

    @property
    def states(self) -> list[str]:
        """The states, one after the other."""
        return [change.state for change in self.changes]

    @property
    def progress(self) -> list[dict[str, Any]]:
        """The progress of each change."""
        return [json.loads(change.fields["progress"]) for change in self.changes]

    @property
    def currents(self) -> list[float]:
        """The values, one after the other."""
        return [progress["current"] for progress in self.progress]


class Gauge:
    """A meter of 100 that is given a value some seconds after the last one."""

    def __init__(self, published: Published) -> None:
        self.clock = Clock()
        self.meter = Meter(RUN, self.clock)
        self.published = published

    def __call__(self, current: float | None, after: float = INTERVAL) -> Meter:
        """Give it a value."""
        self.clock.now += after
        self.meter.update(current, 100, "")
        return self.meter
