"""What can happen to a task, without a task id yet: the words that the tests of stores speak."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import redis

from taskstatus import changes
from taskstatus.changes import Change, Run
from taskstatus.messages import encode
from taskstatus.states import State
from taskstatus.stores import MissingRecord
from taskstatus.stores.memory import MemoryStore
from taskstatus.stores.redis import RedisStore, keys

if TYPE_CHECKING:
    from taskstatus.messages import Message
    from taskstatus.stores import Store

__all__ = [
    "Speaker",
    "Step",
    "again",
    "failed",
    "forget",
    "marked",
    "owned",
    "pending",
    "play",
    "received",
    "retried_elsewhere",
    "revoked",
    "succeeded_elsewhere",
]

Step = Callable[[str], Change]

NAME = "tests.count"
IDS = {"parent_id": None, "root_id": "root", "group_id": None}
MAX_BYTES = 65_536
#: When a run with the number 0 would have begun; the others began after it, as they are numbered.
FIRST = time.monotonic() - 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """One run of the task's body: who speaks in the steps that its methods return."""

    number: int
    attempt: int = 0
    worker: str = ""

    def run(self, task_id: str) -> Run:
        """Return the run itself."""
        fields = {
            "name": encode(NAME),
            "retries": str(self.attempt),
            "started_at": f'"2026-01-01T00:00:00.{self.number:06}Z"',
        }
        return Run(
            task_id=task_id,
            attempt=self.attempt,
            number=self.number,
            fields=fields,
            worker=self.worker,
            began=FIRST + self.number,
        )

    def started(self) -> Step:
        """The body begins."""
        return lambda task_id: changes.started(self.run(task_id))

    def progressed(self, current: int = 1) -> Step:
        """The body says how far it is."""
        return lambda task_id: changes.progressed(self.run(task_id), {"current": current})

    def custom(self, state: str = "PARSING") -> Step:
        """The body takes a state of its own."""
        return lambda task_id: changes.custom(self.run(task_id), state, None)

    def logged(self, line: str = "a line") -> Step:
        """The body writes a line."""
        return lambda task_id: changes.log(self.run(task_id), line, level="info")

    def retried(self) -> Step:
        """The attempt ends, the next one is due."""
        error = ValueError(f"attempt {self.attempt}")
        return lambda task_id: changes.retried(self.run(task_id), error)

    def requeued(self) -> Step:
        """The body puts the task back in its queue."""
        return lambda task_id: changes.requeued(self.run(task_id))

    def replaced(self) -> Step:
        """The body hands its id to another task."""
        return lambda task_id: changes.replaced(self.run(task_id), name="tests.other")

    def succeeded(self, result: object = "done", *, max_bytes: int = MAX_BYTES) -> Step:
        """The body returns."""
        return lambda task_id: changes.succeeded(self.run(task_id), result, max_bytes=max_bytes)

    def failed(self) -> Step:
        """The body raises."""
        return lambda task_id: changes.failed(task_id, ValueError("no"), self.run(task_id))

    def ended(self, state: State) -> Step:
        """The body ends without an outcome."""
        return lambda task_id: changes.finished(task_id, state, self.run(task_id))


def pending() -> Step:
    """The task goes to the broker."""
    return lambda task_id: changes.pending(task_id, name=NAME, ids=IDS)


def owned(owner: str) -> Step:
    """The task goes to the broker in a user's request."""
    return lambda task_id: changes.pending(task_id, name=NAME, ids=IDS, owner=owner)


def received() -> Step:
    """A worker has the task."""
    return lambda task_id: changes.received(task_id, name=NAME, ids=IDS)


def again(state: State) -> Step:
    """The worker repeats that it has the task."""

    def step(task_id: str) -> Change:
        change = replace(changes.received(task_id, name=NAME, ids=IDS), state=state)
        return changes.said_again(change, worker="w@h:1", owner="7")

    return step


def marked(state: str, *, stalled: bool = True) -> Step:
    """A server says that a task in this state has lost its worker, or has it back."""
    return lambda task_id: changes.marked(task_id, state, stalled=stalled)


def failed() -> Step:
    """The worker's main process says that the child is gone."""
    return lambda task_id: changes.failed(task_id, ValueError("lost"))


def revoked() -> Step:
    """The worker's main process says that somebody stopped the task."""
    return lambda task_id: changes.revoked(task_id, "terminated")


def retried_elsewhere(attempt: int = 1) -> Step:
    """The worker's main process says that the child is gone and another attempt is due."""
    error = ValueError("lost")
    return lambda task_id: changes.retried_elsewhere(task_id, error, attempt=attempt)


def succeeded_elsewhere() -> Step:
    """The result backend says that the task has ended well."""
    return lambda task_id: changes.succeeded_elsewhere(task_id, "done", max_bytes=MAX_BYTES)


def forget(store: Store, task_id: str) -> None:
    """Let the store lose a task, as a flush or a failover would."""
    if isinstance(store, MemoryStore):
        store.clear()
    elif isinstance(store, RedisStore):
        with redis.Redis.from_url(store.url) as client:
            client.delete(*keys(task_id))


def play(store: Store, task_id: str, *steps: Step) -> list[Message | None]:
    """Record steps as the publisher does; return what each gave, None for what came too late."""
    return [_record(store, step(task_id)) for step in steps]


def _record(store: Store, change: Change) -> Message | None:
    try:
        return store.record(change)
    except MissingRecord:
        assert change.base is not None
        store.record(change.base)
        return store.record(change)
