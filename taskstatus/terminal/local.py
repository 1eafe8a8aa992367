"""A task read in this process, from the store itself: whoever may run commands may see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from taskstatus import results
from taskstatus.exceptions import SlowReader, UnknownTask
from taskstatus.feed import follow
from taskstatus.hub import get_hub
from taskstatus.messages import TYPES
from taskstatus.stores import get_store
from taskstatus.stores.redis import RedisStore

__all__ = ["follow_here", "read_here"]

#: How long one wait for news takes; it ends nothing.
WAIT_SECONDS = 60.0
EVERYTHING = frozenset(TYPES)


def read_here(task_id: str) -> str:
    """Return the current status of a task, as on the wire.

    Raises UnknownTask and StoreUnavailable.
    """
    store = get_store()
    reading = store.read(task_id)
    if reading is None and results.restore(task_id):
        reading = store.read(task_id)
    if reading is None:
        raise UnknownTask
    return reading.status.json


def follow_here(task_id: str, show: Callable[[str], None], *, from_start: bool = False) -> str:
    """Show the messages of a task until it ends, and return its terminal state.

    First the current status; with ``from_start`` all that is kept, as far as nothing is missing.
    Raises UnknownTask and StoreUnavailable. Leaves no connection open.
    """
    return asyncio.run(_follow_and_close(task_id, show, from_start=from_start))


async def _follow_and_close(task_id: str, show: Callable[[str], None], *, from_start: bool) -> str:
    try:
        after = await _show_kept(task_id, show) if from_start else None
        return await _follow(task_id, show, after)
    finally:
        await get_hub().aclose()
        store = get_store()
        if isinstance(store, RedisStore):
            await store.aclose()


async def _show_kept(task_id: str, show: Callable[[str], None]) -> int | None:
    """Show the whole log of a task; return the version to go on after, None without a log."""
    reading = await get_store().aread(task_id, 0)
    if reading is None or not reading.messages or reading.messages[0].version > reading.floor:
        return None
    for message in reading.messages:
        show(message.json)
    return reading.messages[-1].version


async def _follow(task_id: str, show: Callable[[str], None], after: int | None) -> str:
    while True:
        async with follow(task_id, after=after, types=EVERYTHING) as feed:
            try:
                while not feed.ended:
                    for message in await feed.batch(WAIT_SECONDS):
                        show(message.json)
            except SlowReader:
                # Some log lines are gone; what is still there comes after this cursor.
                after = int(feed.cursor)
            else:
                return feed.status.state
