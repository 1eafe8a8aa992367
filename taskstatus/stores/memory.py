"""``memory://``: a store in one process, for tests and eager tasks."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import nlargest
from operator import attrgetter

from taskstatus.changes import Change
from taskstatus.conf import settings
from taskstatus.messages import Message, log_json, status_json
from taskstatus.states import RESTARTABLE, State, is_interim, rank
from taskstatus.stores.base import (
    KEYS_KEPT,
    UNFINISHED_SECONDS,
    Listing,
    MissingRecord,
    Pulse,
    Reading,
)

__all__ = ["MemoryStore"]

SWEEP_SECONDS = 60


@dataclass(slots=True)
class _Record:
    """One task. The guard's part: how far which attempt and run has come."""

    version: int = 0
    floor: int = 0
    rank: int = 0
    attempt: int = 0
    run: int = 0
    #: When that run began, by the clock that versions come from.
    began: int = 0
    #: Of the last changes that came with one.
    keys: deque[str] = field(default_factory=lambda: deque(maxlen=KEYS_KEPT))
    owner: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    status: Message | None = None
    unlogged: bool = False
    worker: str = ""
    asked_to_stop: bool = False
    log: deque[Message] = field(default_factory=deque)
    expires: float = 0

    def accepts(self, change: Change) -> bool:
        """Return whether a change comes in time. record.lua holds the same rules."""
        own = (change.attempt, change.run) == (self.attempt, self.run)
        began = self.reckon(change)
        newer = not own and (change.attempt, began) > (self.attempt, self.began)
        if change.kind == "again":
            return False
        if self.status is not None and self.status.ready:
            # What has ended stays so; but a task can be run again after it failed.
            return change.state == State.STARTED and newer and self.status.state in RESTARTABLE
        if change.kind == "mark":
            news = change.fields.items() - self.fields.items()
            return self.status is not None and self.status.state == change.state and bool(news)
        if change.kind == "log" or change.state == State.SUCCESS:
            # Of two live deliveries of one task, whichever succeeds has done the work.
            return True
        if change.next_attempt is not None and (own or change.run == 0):
            # The run hands the task on; somebody else may say so when it has long gone on.
            return own or change.next_attempt > self.attempt
        if own or change.run == 0:
            return rank(change.state) >= self.rank
        # Another run speaks: a newer one whose start was missed, or what is left of an old one.
        return newer

    def reckon(self, change: Change) -> int:
        """Return when the run of a change began, by the clock that versions come from."""
        if not change.run:
            return 0
        return self.next_version() - int((time.monotonic() - change.began) * 1_000_000)

    def next_version(self) -> int:
        """Return the version of a change that is written now."""
        return max(self.version + 1, time.time_ns() // 1_000)


class MemoryStore:
    """Keeps everything in this process. Thread-safe; a group named to record() is not told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}
        self._swept = 0.0
        self._leases: dict[str, float] = {}

    def record(
        self, change: Change, *, key: str = "", group: str = "", envelope: bytes = b""
    ) -> Message | None:
        """See Store.record()."""
        del group, envelope  # this store has no pub/sub of its own
        with self._lock:
            self._sweep()
            record = self._find(change.task_id)
            if record is None:
                if change.base is not None or change.kind in {"log", "mark"}:
                    raise MissingRecord
                record = self._records[change.task_id] = _Record()
            elif key in record.keys or not record.accepts(change):
                return None
            if key:
                record.keys.append(key)
            return self._write(record, change)

    def _write(self, record: _Record, change: Change) -> Message:
        prev = record.version
        began = record.reckon(change)
        record.version = version = record.next_version()
        record.floor = record.floor or version
        status = record.status
        follows = change.kind == "log" or (status is not None and status.state != change.state)
        if record.unlogged and status is not None and follows:
            self._append(record, status)
        if change.kind == "log":
            json = log_json(change.task_id, version, change.body)
            message = Message("log", "", version, prev, json)
            record.unlogged = False
        else:
            record.fields.update(change.fields)
            json = status_json(change.task_id, change.state, version, record.fields)
            message = Message("status", change.state, version, prev, json)
            if change.kind in {"status", "again"}:
                self._advance(record, change, began)
            record.status = message
            record.unlogged = is_interim(change.state)
        if not record.unlogged:
            self._append(record, message)
        keep = settings.RETENTION_SECONDS
        if not (record.status and record.status.ready):
            keep = max(keep, UNFINISHED_SECONDS)
        record.expires = time.monotonic() + keep
        message.asked_to_stop = record.asked_to_stop
        return message

    def _advance(self, record: _Record, change: Change, began: int) -> None:
        record.owner = change.owner or record.owner
        record.worker = change.worker or record.worker
        if record.status is not None and record.status.ready:
            record.asked_to_stop = False
        if change.next_attempt is not None:
            record.rank, record.attempt, record.run, record.began = 0, change.next_attempt, 0, 0
            return
        record.rank = rank(change.state)
        if change.run and (change.attempt, change.run) != (record.attempt, record.run):
            record.attempt, record.run, record.began = change.attempt, change.run, began

    def _append(self, record: _Record, message: Message) -> None:
        record.log.append(message)
        while len(record.log) > settings.MAX_EVENTS:
            record.floor = record.log.popleft().version

    def _find(self, task_id: str) -> _Record | None:
        record = self._records.get(task_id)
        return record if record is not None and record.expires >= time.monotonic() else None

    def _sweep(self) -> None:
        now = time.monotonic()
        if now - self._swept > SWEEP_SECONDS:
            self._swept = now
            for task_id in [key for key, record in self._records.items() if record.expires < now]:
                del self._records[task_id]

    def send(
        self, change: Change, *, key: str, group: str, envelope: bytes
    ) -> Callable[[], Message | None]:
        """See Store.send(); here nothing is under way, and the answer is the recording."""
        return partial(self.record, change, key=key, group=group, envelope=envelope)

    def read(
        self, task_id: str, after: int | None = None, *, newer: bool = False
    ) -> Reading | None:
        """See Store.read()."""
        with self._lock:
            record = self._find(task_id)
            if record is None or record.status is None:
                return None
            messages: list[Message] = []
            if after is None and newer:
                after = record.status.version
            if after is not None:
                messages = [message for message in record.log if message.version > after]
                if record.unlogged and record.status.version > after:
                    messages.append(record.status)
            return Reading(
                status=record.status,
                version=record.version,
                floor=record.floor,
                owner=record.owner,
                messages=messages,
            )

    async def aread(
        self, task_id: str, after: int | None = None, *, newer: bool = False
    ) -> Reading | None:
        """See Store.read()."""
        return self.read(task_id, after, newer=newer)

    async def aowner(self, task_id: str) -> str:
        """See Store.aowner()."""
        with self._lock:
            record = self._find(task_id)
            return record.owner if record is not None else ""

    async def aversions(self, task_ids: Sequence[str]) -> list[int]:
        """See Store.aversions()."""
        with self._lock:
            records = [self._find(task_id) for task_id in task_ids]
        return [record.version if record and record.status else 0 for record in records]

    async def apulses(self, task_ids: Sequence[str]) -> list[Pulse]:
        """See Store.apulses()."""
        with self._lock:
            return [_pulse(task_id, self._find(task_id)) for task_id in task_ids]

    async def aleases(self, workers: Sequence[str]) -> set[str]:
        """See Store.aleases()."""
        now = time.monotonic()
        return {worker for worker in workers if self._leases.get(worker, 0) > now}

    def recent(self, most: int, states: Collection[str] = ()) -> Listing:
        """See Store.recent()."""
        with self._lock:
            self._sweep()
            found = [record.status for record in self._records.values() if record.status]
        found = [status for status in found if not states or status.state in states]
        return Listing(statuses=nlargest(most, found, key=attrgetter("version")))

    def beat(self, worker: str, seconds: float) -> None:
        """See Store.beat()."""
        self._leases[worker] = time.monotonic() + seconds

    def ask_to_stop(self, task_id: str) -> str:
        """See Store.ask_to_stop()."""
        with self._lock:
            record = self._find(task_id)
            if record is None or record.status is None:
                return "unknown"
            if record.status.ready:
                return "finished"
            record.asked_to_stop = True
            return "asked"

    def ping(self) -> None:
        """Return: a store in this process always answers."""

    def clear(self) -> None:
        """Forget every task."""
        with self._lock:
            self._records.clear()


def _pulse(task_id: str, record: _Record | None) -> Pulse:
    if record is None or record.status is None:
        return Pulse(task_id=task_id)
    return Pulse(
        task_id=task_id,
        version=record.version,
        state=record.status.state,
        stalled=record.fields.get("stalled") == "true",
        worker=record.worker,
    )
