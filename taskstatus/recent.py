"""What has been said of a task lately, so that a client who comes back need not ask the store."""

from __future__ import annotations

from collections import deque

from taskstatus.messages import Message
from taskstatus.stores import Reading

__all__ = ["Recent"]

#: Kept at most: messages, and characters of JSON.
MAX_MESSAGES = 16
MAX_SIZE = 32_768


class Recent:
    """The newest messages of a task, without a hole, as its group brought them.

    Knows nothing until it is told what the store knows, or has heard a status.
    """

    __slots__ = ("_floor", "_messages", "_size", "_status", "newest")

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._size = 0
        self._status: Message | None = None
        #: Nothing older can be resumed from.
        self._floor = 0
        #: The version of the newest message, 0 when nothing is known.
        self.newest = 0

    def hear(self, message: Message) -> None:
        """Add a message of the group; what does not follow on begins anew."""
        if message.version <= self.newest:
            return
        if message.prev != self.newest or not message.prev:
            self._messages.clear()
            self._size, self._status = 0, None
            self._floor = message.prev or message.version
        self._messages.append(message)
        self._size += len(message.json)
        self.newest = message.version
        if message.kind == "status":
            self._status = message
        while self._size > MAX_SIZE or len(self._messages) > MAX_MESSAGES:
            dropped = self._messages.popleft()
            self._size -= len(dropped.json)
            self._floor = dropped.version

    def learn(self, reading: Reading) -> None:
        """Take what the store knows, which was read after hearing had begun."""
        if reading.version > self.newest:
            self.__init__()  # type: ignore[misc]
            self._floor = self.newest = reading.version
        # What was heard since holds no status, or this one stands no more.
        if self._status is None and self._floor <= reading.version:
            self._status = reading.status

    def since(self, after: int) -> Reading | None:
        """Return what a reader who has seen ``after`` is missing; None if this can't tell."""
        if self._status is None or not self._floor <= after <= self.newest:
            return None
        return Reading(
            status=self._status,
            version=self.newest,
            floor=self._floor,
            messages=[message for message in self._messages if message.version > after],
        )
