"""``redis://…``: the store that every process shares."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from functools import partial
from heapq import nlargest
from importlib.resources import files
from sys import intern
from typing import Any
from weakref import WeakKeyDictionary

import redis
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from taskstatus.cancellation import heeded
from taskstatus.changes import Change
from taskstatus.digest import digest
from taskstatus.exceptions import StoreUnavailable
from taskstatus.loops import for_this_loop
from taskstatus.messages import Message
from taskstatus.resp import Refusal, pack
from taskstatus.stores import reads, script
from taskstatus.stores.base import Listing, MissingRecord, Pulse, Reading
from taskstatus.stores.pipe import Pipe
from taskstatus.stores.recorder import Recorder

__all__ = ["RedisStore"]

#: redis-py's own defaults wait up to a minute; nobody who asks for a status should.
TIMEOUT_SECONDS = 1.0
#: redis-py's, and what asyncio adds to it while a connection is being made.
UNREACHABLE = (redis.RedisError, OSError, TimeoutError)
#: Redis answers, but not now. A script's error has the reason in its midst.
PASSING = ("OOM", "READONLY", "MISCONF", "NOREPLICAS", "BUSY", "LOADING", "DOWN", "TRYAGAIN")
#: One retry, at once, of what was refused: a pooled connection is stale once Redis has restarted.
#: Not of what timed out: it would take twice as long, and may have been done.
RETRY = (NoBackoff(), 1, (redis.ConnectionError,))
STOP_SCRIPT = (files("taskstatus.stores") / "cancel.lua").read_text()
#: The records of all tasks; how many keys are looked at in one step, and in all.
RECORDS = "taskstatus:{*}:status"
SCAN = 1_000
MAX_SCANNED = 1_000_000
_PULSE = ("version", "state", "stalled", "worker")


class RedisStore:
    """Keeps a hash and a stream for each task, in one slot of a Redis Cluster.

    One Lua call per change. Connections are made on first use; the synchronous ones survive a
    fork, the others belong to the event loop that made them. Options in the URL's query
    (``socket_timeout=2``) win over ours.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(*RETRY),
        )
        self._recorder = Recorder(self._client.connection_pool)
        self._read_script: Callable[..., Any] = self._client.register_script(reads.TEXT)
        self._stop_script: Callable[..., Any] = self._client.register_script(STOP_SCRIPT)
        self._async: WeakKeyDictionary[asyncio.AbstractEventLoop, reads.Reads] = WeakKeyDictionary()

    def record(
        self, change: Change, *, key: str = "", group: str = "", envelope: bytes = b""
    ) -> Message | None:
        """See Store.record()."""
        return self.send(change, key=key, group=group, envelope=envelope)()

    def send(
        self, change: Change, *, key: str, group: str, envelope: bytes
    ) -> Callable[[], Message | None]:
        """See Store.send()."""
        args = script.arguments(change, key, group, envelope)
        try:
            answer = self._recorder.send(keys(change.task_id), args)
        except UNREACHABLE as exc:
            raise _meaning(exc) from exc
        return partial(self._message, change, answer)

    def _message(self, change: Change, ask: Callable[[], str]) -> Message | None:
        try:
            answer = ask()
        except UNREACHABLE as exc:
            raise _meaning(exc) from exc
        version, _, rest = answer.partition(" ")
        if not rest:
            if answer == "missing":
                raise MissingRecord
            return None
        prev, asked_to_stop, json = rest.split(" ", 2)
        message = Message(change.message_kind, change.state, int(version), int(prev), json)
        message.asked_to_stop = asked_to_stop == "1"
        return message

    def read(
        self, task_id: str, after: int | None = None, *, newer: bool = False
    ) -> Reading | None:
        """See Store.read()."""
        try:
            answers = self._read_script(keys(task_id), [_since(after, newer=newer)])
        except UNREACHABLE as exc:
            raise _meaning(exc) from exc
        return _reading(answers, after)

    async def aread(
        self, task_id: str, after: int | None = None, *, newer: bool = False
    ) -> Reading | None:
        """See Store.read()."""
        answers = await self._here().read((*keys(task_id), _since(after, newer=newer)))
        return _reading(answers, after)

    async def aowner(self, task_id: str) -> str:
        """See Store.aowner()."""
        async with _answering():
            [owner] = await self._ask([pack("HGET", keys(task_id)[0], "owner")])
        return owner or ""

    async def aversions(self, task_ids: Sequence[str]) -> list[int]:
        """See Store.aversions()."""
        async with _answering():
            answers = await self._ask(
                [pack("HGET", keys(task_id)[0], "version") for task_id in task_ids]
            )
        return [int(version or 0) for version in answers]

    async def apulses(self, task_ids: Sequence[str]) -> list[Pulse]:
        """See Store.apulses()."""
        async with _answering():
            answers = await self._ask(
                [pack("HMGET", keys(task_id)[0], *_PULSE) for task_id in task_ids]
            )
        return [_pulse(*pair) for pair in zip(task_ids, answers, strict=True)]

    async def aleases(self, workers: Sequence[str]) -> set[str]:
        """See Store.aleases()."""
        if not workers:
            return set()
        async with _answering():
            held = await self._ask([pack("EXISTS", _lease_key(worker)) for worker in workers])
        return {worker for worker, exists in zip(workers, held, strict=True) if exists}

    def recent(self, most: int, states: Collection[str] = ()) -> Listing:
        """See Store.recent(). Looks at no more than MAX_SCANNED keys, ours and others'."""
        newest: list[tuple[int, Any]] = []
        cursor, scanned = 0, 0
        try:
            while scanned < MAX_SCANNED:
                cursor, names = self._client.scan(cursor, match=RECORDS, count=SCAN)
                scanned += SCAN
                for name, (state, version) in self._fields(names, "state", "status_version"):
                    if not states or state in states:
                        newest.append((int(version), name))
                newest = nlargest(most, newest)
                if not cursor:
                    break
            fields = self._fields([name for _, name in newest], "state", "status_version", "json")
            found = [Message("status", state, int(at), 0, json) for _, (state, at, json) in fields]
        except UNREACHABLE as exc:
            raise _meaning(exc) from exc
        return Listing(statuses=found, complete=not cursor)

    def _fields(self, names: Sequence[Any], *fields: str) -> Iterator[tuple[Any, list[str]]]:
        """Yield the fields of records, in one round trip; what only has such a name has none."""
        with self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(name, fields)
            answers = pipe.execute(raise_on_error=False)
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, list) and all(answer):
                yield name, answer

    def beat(self, worker: str, seconds: float) -> None:
        """See Store.beat()."""
        try:
            if seconds:
                self._client.set(_lease_key(worker), 1, px=int(seconds * 1_000))
            else:
                self._client.delete(_lease_key(worker))
        except UNREACHABLE as exc:
            raise _meaning(exc) from exc

    def ask_to_stop(self, task_id: str) -> str:
        """See Store.ask_to_stop()."""
        try:
            return str(self._stop_script(keys=keys(task_id)[:1]))
        except UNREACHABLE as exc:
            raise _meaning(exc) from exc

    def ping(self) -> None:
        """See Store.ping()."""
        try:
            self._client.ping()
        except UNREACHABLE as exc:
            raise _meaning(exc) from exc

    async def aclose(self) -> None:
        """Close the connections that belong to this event loop."""
        here = self._async.pop(asyncio.get_running_loop(), None)
        if here is not None:
            await here.aclose()

    def close(self) -> None:
        """Close the synchronous connections; they come back when they are needed."""
        self._recorder.close()
        self._client.close()

    async def _ask(self, commands: list[bytes]) -> list[Any]:
        answers = await self._here().pipe.call(commands)
        for answer in answers:
            if isinstance(answer, Refusal):
                raise _meaning(answer)
        return answers

    def _here(self) -> reads.Reads:
        return for_this_loop(self._async, self._make_reads)

    def _make_reads(self) -> reads.Reads:
        pool: Any = aioredis.ConnectionPool.from_url(
            self.url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            # A pipe tries again by itself.
            retry=AsyncRetry(NoBackoff(), 0),
        )
        seconds = pool.connection_kwargs["socket_timeout"]
        return reads.Reads(Pipe(pool, seconds=seconds), _meaning)


@contextlib.asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    """Raise StoreUnavailable when Redis does not answer, and CancelledError when cancelled."""
    with heeded():
        try:
            yield
        except UNREACHABLE as exc:
            raise _meaning(exc) from exc


def _meaning(error: Exception) -> Exception:
    """Return what to raise for an error: StoreUnavailable for one that passes, else itself.

    A refusal that does not pass (a wrong type, a mistake in a script) is nobody's to wait for.
    """
    refused = isinstance(error, redis.ResponseError | Refusal)
    if refused and not any(reason in str(error) for reason in PASSING):
        return redis.ResponseError(str(error)) if isinstance(error, Refusal) else error
    return StoreUnavailable()


def keys(task_id: str) -> tuple[str, str]:
    """Return the keys of a task's record and log."""
    name = digest(task_id)
    return f"taskstatus:{{{name}}}:status", f"taskstatus:{{{name}}}:log"


def _lease_key(worker: str) -> str:
    return f"taskstatus:lease:{worker}"


def _pulse(task_id: str, answer: list[str | None]) -> Pulse:
    version, state, stalled, worker = answer
    return Pulse(
        task_id=task_id,
        version=int(version or 0),
        # They are kept as long as the task is followed, and are few.
        state=intern(state or ""),
        stalled=stalled == "true",
        worker=intern(worker or ""),
    )


def _since(after: int | None, *, newer: bool) -> int | str:
    """Return ARGV of read.lua."""
    if after is not None:
        return after
    return "status" if newer else ""


def _reading(answers: list[Any] | None, after: int | None) -> Reading | None:
    if answers is None:
        return None
    record, owner, *logged = answers
    json, status_version, version, floor, state = record.split("\x1f", 4)
    status = Message("status", state, int(status_version), 0, json)
    messages: list[Message] = []
    for entry_id, entry in logged[0] if logged else ():
        number = int(entry_id.partition("-")[0])
        fields = dict(zip(entry[::2], entry[1::2], strict=True))
        messages.append(Message(fields["k"], fields["s"], number, 0, fields["j"]))
    if after is not None:
        newest = messages[-1].version if messages else after
        if status.interim and status.version > newest:
            messages.append(status)
    return Reading(
        status=status,
        version=int(version),
        floor=int(floor),
        owner=owner,
        messages=messages,
    )
