"""Clients that behave as a browser does: whatever happens, they come back with their cursor."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import httpx
from websockets.exceptions import InvalidHandshake

from tests.harness.clients import TRANSPORTS, End, StreamEnded, states_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.harness.clients import Client, Ended, Message
    from tests.harness.enqueueing import Enqueued

__all__ = ["Viewer", "viewers"]

#: Between two connections, as EventSource and any sane client wait.
PAUSE_SECONDS = 0.3
GO_ON = {End.COME_BACK, End.UNAVAILABLE, End.CUT, End.TOO_SLOW}


class Viewer:
    """Follows a task on one transport to its true end, over any number of connections.

    The first connection goes to the first URL, each later one to the next.
    """

    def __init__(self, transport: str, urls: Sequence[str], task: Enqueued) -> None:
        self.transport = transport
        self.urls = urls
        self.task = task
        self.messages: list[Message] = []
        #: How each connection ended.
        self.ends: list[Ended | None] = []
        self.first = asyncio.Event()
        self._news = asyncio.Event()
        #: When the terminal state came, by ``time.monotonic()``.
        self.ended_at: float | None = None

    async def run(self) -> None:
        """Follow to the end."""
        while self.ended_at is None:
            url = self.urls[len(self.ends) % len(self.urls)]
            cursor = self.messages[-1].cursor if self.messages else None
            client = TRANSPORTS[self.transport](
                url, self.task.task_id, token=self.task.token, types="status,log", after=cursor
            )
            end: Ended | None = None
            with contextlib.suppress(OSError, httpx.TransportError, TimeoutError, InvalidHandshake):
                end = await self._read(client)
            self.ends.append(end)
            if end is not None and end.reason not in GO_ON | {End.TERMINAL}:
                raise AssertionError(f"{self.transport}: {end}")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _read(self, client: Client) -> Ended:
        async with client:
            while True:
                try:
                    message = await client.next(90)
                except StreamEnded as stop:
                    return stop.ended
                last = self.messages[-1].version or 0 if self.messages else 0
                # A snapshot that begins anew is of a status that may be older than the last line.
                assert message.reset or (message.version or 0) > last, (self.transport, message.raw)
                self.messages.append(message)
                self.first.set()
                self._news.set()
                if message.ready:
                    self.ended_at = time.monotonic()

    @property
    def states(self) -> list[str]:
        """The states in order, each run of the same one once."""
        return states_of(self.messages)

    def check_lines(self, total: int) -> None:
        """Assert that no line comes twice, nor is missing but before a snapshot that says so."""
        expected, sure = 0, True
        for message in self.messages:
            if message.reset:
                sure = False
            elif message.type == "log":
                number = int(message["message"].split()[1])
                if sure:
                    assert number == expected, (
                        f"{self.transport}: line {number}, not {expected}: {self.ends}"
                    )
                else:
                    assert number >= expected, f"{self.transport}: line {number} again"
                expected, sure = number + 1, True
        assert expected == total or not sure, f"{self.transport}: {expected} of {total}"

    async def until(self, state: str, seconds: float = 20) -> None:
        """Wait until it has been told of this state."""
        await self.wait_for(lambda: state in self.states, seconds)

    async def wait_for(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until what it has been told fulfils a condition."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()


@contextlib.asynccontextmanager
async def viewers(urls: Sequence[str], task: Enqueued) -> AsyncIterator[list[Viewer]]:
    """Follow on all transports and all servers; on leaving, all must come to the end."""
    turned = [[*urls[index:], *urls[:index]] for index in range(len(urls))]
    crowd = [Viewer(transport, order, task) for transport in TRANSPORTS for order in turned]
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for viewer in crowd:
            group.create_task(viewer.run())
        async with asyncio.timeout(20):
            await asyncio.gather(*(viewer.first.wait() for viewer in crowd))
        yield crowd
