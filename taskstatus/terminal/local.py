"""A task read in this process, from the store itself: whoever may run commands may see it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Collection, Sequence

from taskstatus import lookup
from taskstatus.drain import get_drain
from taskstatus.exceptions import SlowReader, UnknownTask
from taskstatus.feed import follow
from taskstatus.hub import get_hub
from taskstatus.messages import TYPES
from taskstatus.stores import Listing, get_store
from taskstatus.stores.redis import RedisStore
from taskstatus.terminal.exits import ExitCode

__all__ = ["follow_here", "list_here", "read_here"]

#: How long one wait for news takes; it ends nothing.
WAIT_SECONDS = 60.0
#: How long a cancelled follower is given before it is cancelled again.
CANCEL_SECONDS = 0.1
#: How long leaving the channel layer may take.
CLOSE_SECONDS = 5.0
EVERYTHING = frozenset(TYPES)


def read_here(task_id: str) -> str:
    """Return the current status of a task, as on the wire.

    Raises UnknownTask and StoreUnavailable.
    """
    reading = lookup.read(task_id)
    if reading is None:
        raise UnknownTask
    return reading.status.json


def list_here(most: int, states: Collection[str]) -> Listing:
    """Return the tasks that have changed last. Raises StoreUnavailable."""
    return get_store().recent(most, states)


def follow_here(
    task_ids: Sequence[str], show: Callable[[str], None], *, from_start: bool = False
) -> list[str]:
    """Show the messages of tasks until all have ended; return their states, "" for an unknown one.

    First the current status; with ``from_start`` all that is kept, as far as nothing is missing.
    Raises UnknownTask when none of them is known, StoreUnavailable, and SystemExit at a SIGTERM.
    Leaves no connection open.
    """
    try:
        states = asyncio.run(_follow_and_close(task_ids, show, from_start=from_start))
    except asyncio.CancelledError:
        raise SystemExit(ExitCode.TERMINATED) from None
    if not any(states):
        raise UnknownTask
    return states


async def _follow_and_close(
    task_ids: Sequence[str], show: Callable[[str], None], *, from_start: bool
) -> list[str]:
    _catch_sigterm()
    following = asyncio.create_task(_follow_all(task_ids, show, from_start=from_start))
    try:
        await asyncio.wait([following])
    finally:
        await _stop(following)
        await _close()
    return following.result()


def _catch_sigterm() -> None:
    """Let SIGTERM cancel the running task, where signals can be caught."""
    # The drain, which the hub will ask for, would take the signal for a server; it is first now.
    get_drain()
    task = asyncio.current_task()
    with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _stop(following: asyncio.Task[list[str]]) -> None:
    # More than once if need be: before Python 3.12 asyncio.wait_for(), which redis-py uses, can
    # swallow a cancellation (https://github.com/python/cpython/issues/86296).
    while not following.done():
        following.cancel()
        await asyncio.wait([following], timeout=CANCEL_SECONDS)


async def _close() -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
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


async def _follow_all(
    task_ids: Sequence[str], show: Callable[[str], None], *, from_start: bool
) -> list[str]:
    follow = [asyncio.create_task(_follow(name, show, from_start=from_start)) for name in task_ids]
    try:
        return await asyncio.gather(*follow)
    finally:
        for task in follow:
            task.cancel()


async def _follow(task_id: str, show: Callable[[str], None], *, from_start: bool) -> str:
    after = await _show_kept(task_id, show) if from_start else None
    try:
        return await _follow_known(task_id, show, after)
    except UnknownTask:
        return ""


async def _follow_known(task_id: str, show: Callable[[str], None], after: int | None) -> str:
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
                assert feed.end is not None  # noqa: S101 - the stream has ended
                return feed.end.state
