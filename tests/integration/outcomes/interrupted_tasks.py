"""Tasks whose soft time limit strikes while we tell of them. Named ``outcomes.…``."""

from __future__ import annotations

import time
from typing import Any
from unittest import mock

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from taskstatus import progress
from taskstatus.stores import get_store
from tests.integration.outcomes.bound import FOREVER
from tests.integration.outcomes.tasks import answer

#: Until the soft time limit interrupts it.
SLOW_SECONDS = 20


def next_change_is_slow() -> None:
    """Have the store of this process take very long over the next change, and over no other."""
    store = get_store()
    record = store.record

    def slow(*args: Any, **kwargs: Any) -> Any:
        patch.stop()
        time.sleep(SLOW_SECONDS)
        return record(*args, **kwargs)

    patch = mock.patch.object(store, "record", slow)
    patch.start()


@shared_task(name="outcomes.progress_slowly", soft_time_limit=1)
def progress_slowly() -> str:
    """Be interrupted while the progress is being told."""
    next_change_is_slow()
    try:
        progress(1, 2)
    except SoftTimeLimitExceeded:
        return "interrupted"
    return "never told"


@shared_task(name="outcomes.delay_slowly", soft_time_limit=1)
def delay_slowly(queue: str) -> str:
    """Be interrupted while another task is being enqueued."""
    try:
        next_change_is_slow()
        answer.apply_async(queue=queue)
        time.sleep(FOREVER)
    except SoftTimeLimitExceeded:
        return "interrupted"
    return "never told"


@shared_task(name="outcomes.return_slowly", soft_time_limit=1)
def return_slowly() -> str:
    """Be interrupted while the result is being told."""
    next_change_is_slow()
    return "done"
