"""What a store of task statuses does; redis.py and memory.py do it.

A store keeps for each task one record (the current status, the version of the newest message, who
speaks) and a short log of messages. Interim statuses are kept in the log only where something else
follows them, so a task that counts to a million keeps its log lines.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from taskstatus.changes import Change
from taskstatus.messages import Message
from taskstatus.states import State, rank

__all__ = [
    "KEYS_KEPT",
    "UNFINISHED_SECONDS",
    "Listing",
    "MissingRecord",
    "Pulse",
    "Reading",
    "Store",
]

#: How many keys of changes a record remembers.
KEYS_KEPT = 8
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What reconciling has to know of a task."""

    task_id: str
    #: The newest version of any type, 0 when the task is unknown.
    version: int = 0
    state: str = ""
    stalled: bool = False
    #: The lease under which it was started.
    worker: str = ""

    @property
    def running(self) -> bool:
        """Whether a worker is busy with it."""
        return self.version > 0 and rank(self.state) == rank(State.STARTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The tasks that have changed last."""

    #: Their current statuses, the newest first.
    statuses: Sequence[Message]
    #: Whether all that is kept was looked at.
    complete: bool = True


class Store(Protocol):
    """Records changes and reads them back. Methods with an ``a`` in front are for the event loop.

    All raise StoreUnavailable when the store does not answer within about a second.
    """

    def record(
        self, change: Change, *, key: str = "", group: str = "", envelope: bytes = b""
    ) -> Message | None:
        """Write a change and return its message, or None when it comes too late to count.

        On the message ``asked_to_stop`` says whether somebody wants the task to stop.

        Versions of one task strictly increase. A change whose ``key`` is among the last that the
        record has taken counts no more: it was taken, and the answer was lost. With a ``group``
        the store itself tells the channel layer's pub/sub channel of that name. Raises
        MissingRecord when the change has a base and there is no record yet.
        """

    def send(
        self, change: Change, *, key: str, group: str, envelope: bytes
    ) -> Callable[[], Message | None]:
        """Send a change on its way; what this returns waits for the answer, and ends as record()
        does.

        That may be called by any thread, one at a time, and again where it was interrupted. Until
        it has ended, what else this process records may overtake the change.
        """

    def read(
        self, task_id: str, after: int | None = None, *, newer: bool = False
    ) -> Reading | None:
        """Return what is known of a task, or None; with ``after`` also the messages since.

        With ``newer``, and no ``after``, also the messages since the current status.
        """

    async def aread(
        self, task_id: str, after: int | None = None, *, newer: bool = False
    ) -> Reading | None:
        """See read()."""

    async def aowner(self, task_id: str) -> str:
        """Return the owner of a task, "" without one; unknown tasks have none.

        Costs the same for all of them, whatever else is stored.
        """

    async def aversions(self, task_ids: Sequence[str]) -> list[int]:
        """Return the newest version of each task, of any type, 0 when it is unknown.

        It costs next to nothing: whoever follows many tasks asks again and again.
        """

    async def apulses(self, task_ids: Sequence[str]) -> list[Pulse]:
        """Return the pulse of each task, in one round trip."""

    async def aleases(self, workers: Sequence[str]) -> set[str]:
        """Return which of these workers' leases are still held, in one round trip."""

    def recent(self, most: int, states: Collection[str] = ()) -> Listing:
        """Return the tasks that have changed last, in these states (all), so many at most.

        For people: it looks through all that is kept, and keeps no index that every change of
        every task would have to pay for.
        """

    def beat(self, worker: str, seconds: float) -> None:
        """Hold a worker's lease so long from now; 0 gives it up."""

    def ask_to_stop(self, task_id: str) -> str:
        """Note that a task should stop; return "asked", "finished" or "unknown"."""

    def ping(self) -> None:
        """Return when the store answers."""
