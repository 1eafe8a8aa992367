"""One server process's part in a stream, and how tests read from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskstatus.feed import follow
from taskstatus.testing import TaskDriver

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from taskstatus.feed import Feed
    from taskstatus.hub import Hub
    from taskstatus.messages import Message
    from taskstatus.stores import Store
    from tests.integration.streams.layers import Tap, Way

__all__ = ["BOTH", "UNIT", "Stream", "ended", "eventually", "read_until", "states"]

BOTH = frozenset({"status", "log"})
#: The unit of time of these tests: long enough for a turn of two slow cores.
UNIT = 0.05
#: Never reached by a test that passes.
TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A hub on a layer (seen through a tap) and a store."""

    kind: Way
    tap: Tap
    hub: Hub
    store: Store
    prefix: str

    def task(self) -> TaskDriver:
        """Return a task of which nobody has heard."""
        return TaskDriver()

    def follow(
        self,
        task: TaskDriver,
        *,
        after: int | None = None,
        types: frozenset[str] = frozenset({"status"}),
    ) -> AbstractAsyncContextManager[Feed]:
        """Follow a task through this hub."""
        return follow(task.task_id, after=after, types=types, hub=self.hub)


async def read_until(
    feed: Feed,
    done: Callable[[list[Message]], bool],
    timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109
) -> list[Message]:
    """Return what the feed gives until it is enough; versions strictly increase all the way."""
    messages: list[Message] = []
    async with asyncio.timeout(timeout):
        while not done(messages):
            messages += await feed.batch(timeout)
    versions = [message.version for message in messages]
    assert versions == sorted(set(versions))
    return messages


def ended(messages: list[Message]) -> bool:
    """Return whether the last message ends the stream."""
    return bool(messages) and messages[-1].ready


def states(messages: list[Message]) -> list[str]:
    """Return the states of messages, and "log" for lines."""
    return [message.state or message.kind for message in messages]


async def eventually(condition: Callable[[], bool]) -> None:
    """Return once the condition holds, for what nothing tells of."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)
