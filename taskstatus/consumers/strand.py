"""One task among several on one connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from taskstatus.access import Caller, admit
from taskstatus.conf import settings
from taskstatus.deadline import Access
from taskstatus.exceptions import Forbidden, Restarting, UnknownTask
from taskstatus.feed import Feed, follow
from taskstatus.messages import Message

__all__ = ["Strand"]

#: How long a feed is waited for at a time; nothing depends on it.
LULL_SECONDS = 3_600.0


class Strand:
    """Admits a caller to a task, opens its feed, and hands on what comes.

    ``gate`` bounds how many strands of a connection are opened at the same time.
    """

    def __init__(
        self, task_id: str, *, after: int | None, types: frozenset[str], gate: asyncio.Semaphore
    ) -> None:
        self.task_id = task_id
        self.after = after
        self.feed: Feed | None = None
        self._types = types
        self._gate = gate
        self._caller: Caller | None = None
        self._taken = contextlib.AsyncExitStack()

    async def admit(self, caller: Caller, tokens: Sequence[str]) -> Caller:
        """Return the caller as it was let in. Raises Forbidden."""
        async with self._gate:
            self._caller = await admit(caller, self.task_id, tokens)
        return self._caller

    async def open(self) -> list[Message]:
        """Begin to follow; return what the client gets at once.

        Raises UnknownTask and StoreUnavailable.
        """
        async with self._gate:
            return await self._open(patience=0)

    async def find(self, seconds: float | None = None) -> list[Message]:
        """Begin to follow a task that open() has not found, but the client has seen.

        It is waited for, so long at most: a store that was flushed learns of a running task
        again at its next word. Raises as open() does.
        """
        if self.after is None:
            raise UnknownTask
        patience = settings.RECONCILE_SECONDS
        return await self._open(patience=patience if seconds is None else min(seconds, patience))

    async def _open(self, *, patience: float) -> list[Message]:
        stream = follow(self.task_id, after=self.after, types=self._types, patience=patience)
        self.feed = await self._taken.enter_async_context(stream)
        messages: list[Message] = []
        # A request that begins while the server stops is answered as one that has begun before.
        with contextlib.suppress(Restarting):
            messages = await self.feed.batch(0)
        if self.feed.ended:
            await self.close()
        return messages

    @property
    def cursor(self) -> str | None:
        """The cursor of a client that has everything up to here, None before a snapshot."""
        if self.feed is not None:
            return self.feed.cursor
        return None if self.after is None else str(self.after)

    @property
    def ended(self) -> bool:
        """Whether the client has all that there is of this task."""
        return self.feed is not None and self.feed.ended

    async def pump(
        self,
        *,
        write: Callable[[Message], bool],
        send: Callable[[Sequence[Message]], Awaitable[None]],
    ) -> None:
        """Hand each message to ``write`` as it comes, or else to ``send``, until the task's end.

        Raises Forbidden when the caller's access ends, SlowReader, and Restarting. What was taken
        is given back however it ends.
        """
        assert self.feed is not None  # noqa: S101 - it has been opened
        assert self._caller is not None  # noqa: S101 - and the caller admitted
        try:
            access = Access(self._caller, self.task_id)
            self.feed.write_through(write)
            while not self.feed.ended:
                left = await access.left()
                if not left:
                    raise Forbidden
                await send(await self.feed.batch(min(left, LULL_SECONDS)))
        finally:
            await self.close()

    async def close(self) -> None:
        """Follow no longer."""
        await self._taken.aclose()
