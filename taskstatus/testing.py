"""For tests of projects that use taskstatus: a store of one's own, played tasks, what they told."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.test import override_settings

from taskstatus import changes
from taskstatus.changes import Run
from taskstatus.conf import settings
from taskstatus.exceptions import UnknownTask
from taskstatus.lookup import get_status
from taskstatus.messages import encode
from taskstatus.meter import progress_of
from taskstatus.publisher import flush, publish, settle
from taskstatus.states import State
from taskstatus.status import TaskStatus
from taskstatus.stores import Reading, Store, get_store

__all__ = ["History", "TaskDriver", "ahistory", "assert_history", "history", "memory_store"]

FLUSH_SECONDS = 5.0


@contextlib.contextmanager
def memory_store() -> Iterator[Store]:
    """Keep statuses, and tell of them, in this process alone; empty at first, gone at the end.

    Also a decorator. For tests that call tasks eagerly, or play them: no Redis is needed.
    """
    layers = {settings.CHANNEL_LAYER: {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    url = f"memory://{uuid.uuid4()}"
    with override_settings(TASKSTATUS_STORE_URL=url, CHANNEL_LAYERS=layers):
        yield get_store()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a task has told until now, as far as it is kept (MAX_EVENTS)."""

    #: The states in order; one that follows itself, as PROGRESS does, is told once.
    states: list[str]
    #: The log lines in order.
    lines: list[str]
    #: The current status.
    last: TaskStatus


def history(task_id: str) -> History:
    """Return what a task has told. Raises UnknownTask and StoreUnavailable."""
    flush(FLUSH_SECONDS)
    return _history(get_store().read(task_id, 0))


async def ahistory(task_id: str) -> History:
    """See history()."""
    flush(FLUSH_SECONDS)
    return _history(await get_store().aread(task_id, 0))


def _history(reading: Reading | None) -> History:
    if reading is None:
        raise UnknownTask
    states: list[str] = []
    lines: list[str] = []
    for message in reading.messages:
        if message.kind == "log":
            lines.append(json.loads(message.json)["message"])
        elif [message.state] != states[-1:]:
            states.append(str(message.state))
    return History(states=states, lines=lines, last=TaskStatus.from_json(reading.status.json))


def assert_history(
    task_id: str, *, states: Sequence[str] | None = None, lines: Sequence[str] | None = None
) -> TaskStatus:
    """Assert that a task has gone through these states, and written these lines; return its status.

    What is None is not looked at. Raises AssertionError with both, what was told and what was
    wanted.
    """
    told = history(task_id)
    if states is not None and told.states != list(states):
        raise AssertionError(f"The task went through {told.states}, not {list(states)}.")
    if lines is not None and told.lines != list(lines):
        raise AssertionError(f"The task wrote {told.lines}, not {list(lines)}.")
    return told.last


class TaskDriver:
    """Plays a Celery task's life through the real publisher, without Celery.

    Every call has been published, unthrottled, when it returns.
    """

    def __init__(
        self, task_id: str | None = None, *, name: str = "tests.driven", owner: str | None = None
    ) -> None:
        self.task_id = task_id or str(uuid.uuid4())
        self.name = name
        self.owner = owner
        self._attempt = 0
        self._run: Run | None = None

    @property
    def run(self) -> Run:
        """The current run; one is made up for a task that was never started."""
        if self._run is None:
            self._run = self._new_run()
        return self._run

    def _new_run(self) -> Run:
        fields = {
            "name": encode(self.name),
            "retries": str(self._attempt),
            "started_at": changes.now(),
            "root_id": encode(self.task_id),
        }
        return Run(
            task_id=self.task_id,
            attempt=self._attempt,
            number=time.time_ns() // 1_000,
            fields=fields,
        )

    def _tell(self, change: changes.Change) -> None:
        publish(change)
        settle()

    def pending(self) -> None:
        """The task is sent to the broker."""
        ids = {"parent_id": None, "root_id": self.task_id, "group_id": None}
        self._tell(changes.pending(self.task_id, name=self.name, ids=ids, owner=self.owner or ""))

    def received(self) -> None:
        """A worker has it."""
        ids = {"parent_id": None, "root_id": self.task_id, "group_id": None}
        self._tell(changes.received(self.task_id, name=self.name, ids=ids))

    def started(self) -> None:
        """The body begins: the first attempt, the next one after retry(), or a re-run."""
        self._run = self._new_run()
        self._tell(changes.started(self._run))

    def progress(self, current: float, total: float | None = None, message: str = "") -> None:
        """The body says how far it is."""
        progress = progress_of(current, total, message)
        self._tell(changes.progressed(self.run, progress))

    def log(self, message: str, level: str = "info") -> None:
        """The body writes a line."""
        self._tell(changes.log(self.run, message, level=level))

    def custom(self, state: str, meta: Mapping[str, Any] | None = None) -> None:
        """The body takes a state of its own (``update_state``); ``meta`` becomes its progress."""
        progress = None
        if meta:
            message = meta.get("description") or meta.get("message") or ""
            progress = progress_of(meta.get("current"), meta.get("total"), message)
        self._tell(changes.custom(self.run, state, progress))

    def stalled(self) -> None:
        """The worker shows no sign of life any more."""
        if status := get_status(self.task_id):
            self._tell(changes.marked(self.task_id, status.state, stalled=True))

    def retry(self, exception: BaseException) -> None:
        """The attempt ends, another one is due."""
        self._tell(changes.retried(self.run, exception))
        self._attempt += 1

    def success(self, result: object = None) -> None:
        """The body returns."""
        self._tell(changes.succeeded(self.run, result, max_bytes=settings.MAX_RESULT_BYTES))

    def failure(self, exception: BaseException) -> None:
        """The body raises."""
        self._tell(changes.failed(self.task_id, exception, self.run))

    def revoked(self, reason: str = "terminated") -> None:
        """Somebody stops the task."""
        self._tell(changes.revoked(self.task_id, reason))

    def rejected(self) -> None:
        """The task refuses its message."""
        self._tell(changes.finished(self.task_id, State.REJECTED))

    def ignored(self) -> None:
        """The body raises Ignore."""
        self._tell(changes.finished(self.task_id, State.IGNORED))
