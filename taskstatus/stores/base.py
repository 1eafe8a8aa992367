"""What a store of task statuses does; redis.py and memory.py do it.

A store keeps for each task one record (the current status, the version of the newest message, who
speaks) and a short log of messages. Interim statuses are kept in the log only where something else
follows them, so a task that counts to a million keeps its log lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from taskstatus.changes import Change
from taskstatus.messages import Message

__all__ = ["UNFINISHED_SECONDS", "MissingRecord", "Reading", "Store"]

#: Tasks that have not ended are kept at least this long after their last change.
UNFINISHED_SECONDS = 7 * 86_400


class MissingRecord(Exception):
    """There is no record for this change; begin with its base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a store knows of one task at one moment."""

    #: The current status; its ``prev`` is meaningless here.
    status: Message
    #: The version of the newest message of any type.
    version: int
    #: The newest version that the log no longer holds: nothing older can be resumed from.
    floor: int
    owner: str = ""
    #: All that came after the version asked for, oldest first, when one was asked for.
    messages: Sequence[Message] = field(default_factory=tuple)

    def resumes(self, after: int) -> bool:
        """Return whether ``messages`` is all that a reader who has seen ``after`` is missing."""
        return self.floor <= after <= self.version


class Store(Protocol):
    """Records changes and reads them back. Methods with an ``a`` in front are for the event loop.

    All raise StoreUnavailable when the store does not answer within about a second.
    """

    def record(self, change: Change, *, group: str = "", envelope: bytes = b"") -> Message | None:
        """Write a change and return its message, or None when it comes too late to count.

        Versions of one task strictly increase. With a ``group`` the store itself tells the
        channel layer's pub/sub channel of that name. Raises MissingRecord when the change has a
        base and there is no record yet.
        """

    def read(self, task_id: str, after: int | None = None) -> Reading | None:
        """Return what is known of a task, or None; with ``after`` also the messages since."""

    async def aread(self, task_id: str, after: int | None = None) -> Reading | None:
        """See read()."""

    async def aversions(self, task_ids: Sequence[str]) -> list[int]:
        """Return the newest version of each task, 0 for one that is unknown, in one round trip."""

    def ping(self) -> None:
        """Return when the store answers."""
