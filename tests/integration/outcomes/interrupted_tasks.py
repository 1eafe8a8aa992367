"""Tasks whose soft time limit strikes while we tell of them. Named ``outcomes.…``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol
from unittest import mock

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from taskstatus import progress
from taskstatus.stores import get_store
from tests.integration.outcomes.bound import FOREVER
from tests.integration.outcomes.tasks import answer

#: Until the soft time limit interrupts it.
SLOW_SECONDS = 20


class Slow(Protocol):
    """What has made the store slow."""

    def start(self) -> object:
        """Make it so."""

    def stop(self) -> object:
        """Undo that; it may have been undone."""


def next_change_is_slow() -> Slow:
    """Have the store of this process take very long over the next change, and over no other.

    ``stop()`` undoes that, should the limit have struck before any change was told.
    """
    store = get_store()
    ways: dict[str, Callable[..., Any]] = {"record": store.record, "send": store.send}

    def slowly(way: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*args: Any, **kwargs: Any) -> Any:
            patch.stop()
            time.sleep(SLOW_SECONDS)
            return way(*args, **kwargs)

        return slow

    slow_ways: dict[str, Any] = {name: slowly(way) for name, way in ways.items()}
    patch: Slow = mock.patch.multiple(store, **slow_ways)
    patch.start()
    return patch


@shared_task(name="outcomes.progress_slowly", soft_time_limit=1)
def progress_slowly() -> str:
    """Be interrupted while the progress is being told."""
    slow = next_change_is_slow()
    try:
        progress(1, 2)
    except SoftTimeLimitExceeded:
        slow.stop()
        return "interrupted"
    return "never told"


@shared_task(name="outcomes.delay_slowly", soft_time_limit=1)
def delay_slowly(queue: str) -> str:
    """Be interrupted while another task is being enqueued."""
    slow = next_change_is_slow()
    try:
        answer.apply_async(queue=queue)
        time.sleep(FOREVER)
    except SoftTimeLimitExceeded:
        slow.stop()
        return "interrupted"
    return "never told"


@shared_task(name="outcomes.return_slowly", soft_time_limit=1)
def return_slowly() -> str:
    """Be interrupted while the result is being told."""
    next_change_is_slow()
    return "done"
