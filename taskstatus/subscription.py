"""One reader's mailbox in the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from taskstatus.clock import get_clock
from taskstatus.messages import Message

__all__ = ["Subscription"]

#: What a mailbox holds at most, in characters of JSON; past that its reader reads the log instead.
MAX_SIZE = 1_048_576
#: Who waits so long shares a timer with others.
LONG_SECONDS = 30.0


class Subscription:
    """Messages for one reader, in the order in which the group brought them.

    The hub puts, one reader takes; neither waits for the other. A newer interim status takes the
    place of the one before it. What does not fit is dropped and ``behind`` is set: the reader then
    has to read the store's log.
    """

    __slots__ = ("_messages", "_size", "_waiter", "behind", "closing", "direct", "newest", "offer")

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        #: Takes a message at once while the reader waits; returns whether it has.
        self.direct: Callable[[Message], bool] | None = None
        #: The same while it does wait and nothing is before the message, else None.
        self.offer: Callable[[Message], bool] | None = None
        #: Whether messages may be missing from this mailbox.
        self.behind = False
        #: The newest version that the reader has dealt with; what is older is not put any more.
        self.newest = 0
        #: Whether the hub has nothing more to give: the process is about to stop.
        self.closing = False

    def put(self, message: Message) -> None:
        """Hand a waiting reader the message directly, or add it and wake the reader."""
        if self.offer is not None and self.offer(message):
            return
        messages = self._messages
        if message.version <= self.newest:
            return  # a latecomer: the reader has it, or what stands for it
        if message.interim and messages and messages[-1].state == message.state:
            if message.version < messages[-1].version:
                return  # it was overtaken, which shows as a gap before the newer one
            last = messages.pop()
            self._size -= len(last.json)
            if message.prev == last.version:
                message = Message(
                    message.kind, message.state, message.version, last.prev, message.json
                )
        self._size += len(message.json)
        messages.append(message)
        if self._size > MAX_SIZE:
            messages.clear()
            self._size = 0
            self.behind = True
        self.wake()

    def lacks(self, version: int) -> bool:
        """Return whether the store's version is neither dealt with nor waiting here."""
        newest = self._messages[-1].version if self._messages else self.newest
        return newest < version or version == 0

    def poke(self) -> None:
        """Tell the reader that it lacks something, which the store has (or has lost)."""
        self.behind = True
        self.wake()

    def close(self) -> None:
        """Tell the reader to end."""
        self.closing = True
        self.wake()

    def wake(self) -> None:
        """Wake the reader."""
        self.offer = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self) -> list[Message]:
        """Return what has come and forget it."""
        messages, self._messages = self._messages, []
        self._size = 0
        return messages

    @property
    def _pending(self) -> bool:
        return bool(self._messages) or self.behind or self.closing

    async def wait(self, seconds: float) -> bool:
        """Wait until something has come, so long at most; return whether it has. Cancel-safe.

        A wait of LONG_SECONDS or more may take a second more.
        """
        if self._pending:
            return True
        if seconds <= 0:
            return False
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        self.offer = self.direct
        clock = get_clock()
        is_long = seconds >= LONG_SECONDS
        alarm = clock.add(self, seconds) if is_long else loop.call_later(seconds, self.wake)
        try:
            await self._waiter
        finally:
            if isinstance(alarm, int):
                clock.remove(self, alarm)
            else:
                alarm.cancel()
            self._waiter = self.offer = None
        return self._pending
