"""Send without a task switch where the client keeps up.

An ASGI ``send`` is a coroutine function, but for a client that keeps up it hardly ever waits. The
hub serves thousands of clients in one turn of the event loop, so each send is first driven as far
as it goes without waiting; only what does wait becomes a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import coroutine
from typing import Any

from taskstatus.exceptions import SlowReader

__all__ = ["STUCK_SECONDS", "Writer", "in_time"]

#: A server with back-pressure makes us wait while its client reads nothing. One that does so for
#: longer than this is too slow: else it would hold its place, and what waits for it, for ever.
STUCK_SECONDS = 10.0

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Writer:
    """Sends ASGI messages to one client, in order."""

    __slots__ = ("_failed", "_given_up", "_send", "_waiting", "free")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: asyncio.Task[None] | None = None
        self._failed: BaseException | None = None
        self._given_up = False
        #: Whether a message would be taken now: nothing waits, has failed, or was given up.
        self.free = True

    def try_send(self, message: dict[str, Any]) -> bool:
        """Send a message now if nothing sent before is still waiting; return whether it was taken.

        A failure shows in the next drain().
        """
        if not self.free:
            return False
        sending: Any = self._send(message)
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return True
        except Exception as exc:  # noqa: BLE001 - handed to whoever drains
            self._fail(exc)
            return True
        self.free = False
        self._waiting = asyncio.get_running_loop().create_task(_go_on(sending, waits_for))
        self._waiting.add_done_callback(self._done)
        return True

    def _done(self, task: asyncio.Task[None]) -> None:
        self._waiting = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail(error)
        self.free = self._failed is None and not self._given_up

    def _fail(self, error: BaseException) -> None:
        self._failed, self.free = error, False

    async def drain(self) -> None:
        """Return when everything is with the server.

        Raises SlowReader when the client does not take it, and what a send has raised.
        """
        if self._waiting is not None:
            done, _ = await asyncio.wait([self._waiting], timeout=STUCK_SECONDS)
            if not done:
                raise SlowReader
        if self._failed is not None:
            raise self._failed

    def give_up(self) -> None:
        """Take nothing more, and give up what still waits."""
        self.free, self._given_up = False, True
        if self._waiting is not None:
            self._waiting.cancel()


async def in_time(sending: Awaitable[None]) -> None:
    """Wait for one send. Raises SlowReader when the client does not take it."""
    try:
        async with asyncio.timeout(STUCK_SECONDS):
            await sending
    except TimeoutError:
        raise SlowReader from None


@coroutine
def _finish(sending: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Take over a coroutine at its first wait; what it waits for goes to the task around us."""
    while True:
        error: BaseException | None = None
        try:
            yield waits_for
        except BaseException as exc:  # noqa: BLE001 - thrown into the coroutine, as await would
            error = exc
        try:
            waits_for = sending.send(None) if error is None else sending.throw(error)
        except StopIteration:
            return


async def _go_on(sending: Coroutine[Any, Any, None], waits_for: Any) -> None:
    await _finish(sending, waits_for)
