"""Where the current status of a task is looked for."""

from __future__ import annotations

from taskstatus import results
from taskstatus.status import TaskStatus
from taskstatus.stores import Reading, Store, get_store

__all__ = ["aget_status", "aread", "get_status", "read"]


def read(task_id: str) -> Reading | None:
    """Return what the store knows of a task, or else Celery's result backend; None for nothing.

    Raises StoreUnavailable.
    """
    store = get_store()
    reading = store.read(task_id)
    if reading is None and results.restore(task_id):
        reading = store.read(task_id)
    return reading


async def aread(
    task_id: str, after: int | None = None, *, newer: bool = False, store: Store | None = None
) -> Reading | None:
    """See read(); of the messages that come along, see Store.read()."""
    store = store or get_store()
    reading = await store.aread(task_id, after, newer=newer)
    if reading is None and await results.arestore(task_id):
        reading = await store.aread(task_id, after, newer=newer)
    return reading


def get_status(task_id: str) -> TaskStatus | None:
    """Return the current status of a task, or None when it is unknown.

    The store is asked, then Celery's result backend. No access check: that is the caller's.
    Raises StoreUnavailable.
    """
    return _status(read(task_id))


async def aget_status(task_id: str) -> TaskStatus | None:
    """See get_status()."""
    return _status(await aread(task_id))


def _status(reading: Reading | None) -> TaskStatus | None:
    return None if reading is None else TaskStatus.from_json(reading.status.json)
