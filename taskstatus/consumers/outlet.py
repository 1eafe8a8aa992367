"""Where the messages of one connection go: the server's own send, at the client's own pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from taskstatus.exceptions import SlowReader
from taskstatus.pressure import MAX_UNSENT_BYTES
from taskstatus.wire import Gate, Write
from taskstatus.writer import STUCK_SECONDS, Writer

__all__ = ["Gone", "Outlet"]

RELIEF_SECONDS = 0.1


class Gone(Exception):
    """The client can't be written to any more."""


class Outlet:
    """Sends ASGI messages to one client, in order, until it is closed."""

    __slots__ = ("_closed", "_send", "_unsent", "_writer")

    def __init__(self, scope: dict[str, Any], send: Any) -> None:
        self._send = scope.get("taskstatus.send", send)
        self._writer = Writer(self._send)
        self._unsent = scope.get("taskstatus.unsent")
        self._closed = False

    @property
    def pressed(self) -> bool:
        """Whether the server holds too much for the client."""
        return self._unsent is not None and self._unsent() > MAX_UNSENT_BYTES

    @property
    def free(self) -> bool:
        """Whether the client keeps up: the next message would be taken now."""
        return not self._closed and self._writer.free and not self.pressed

    def offer(self, message: dict[str, Any]) -> bool:
        """Send a message now, if the client keeps up; return whether it was taken."""
        return not self._closed and not self.pressed and self._writer.try_send(message)

    def past_server(self, writer_of: Callable[[Any, Gate], Write | None]) -> Write | None:
        """Return what writes bytes past the server while the client keeps up (see ``wire``), None
        where there is no way past."""
        return writer_of(self._send, self._writer)

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message, and return when the server has it.

        Raises SlowReader when the client does not take it, and Gone.
        """
        while not self._closed and not self._writer.try_send(message):
            await self.drain()
        await self.drain()

    def check(self) -> None:
        """Raise SlowReader when the server holds too much for the client."""
        if self.pressed:
            raise SlowReader

    async def relief(self) -> None:
        """Give the client some time to take what the server holds for it."""
        deadline = time.monotonic() + STUCK_SECONDS
        # The server gives no notice when it is rid of it.
        while self._unsent is not None and self._unsent() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(RELIEF_SECONDS)

    async def ready(self) -> None:
        """Return when the client keeps up, so that the next offer is taken.

        Raises SlowReader when it takes too long over what it has, and Gone.
        """
        deadline = time.monotonic() + STUCK_SECONDS
        while not self.free and not self._closed:
            await self.drain()
            if self.pressed:
                if time.monotonic() > deadline:
                    raise SlowReader
                await asyncio.sleep(RELIEF_SECONDS)

    async def drain(self) -> None:
        """Return when everything is with the server. Raises as send() does."""
        try:
            await self._writer.drain()
        except SlowReader:
            raise
        except Exception as exc:
            # A client may leave between two messages, before the server has said so.
            raise Gone from exc

    def close(self) -> None:
        """Take nothing more, and give up what still waits."""
        self._closed = True
        self._writer.give_up()
