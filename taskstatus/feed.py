"""Follow one task: what one client must see, in order, with no hole, until the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from taskstatus import lookup, results
from taskstatus.batch import encode_batch
from taskstatus.counts import COUNTS
from taskstatus.drain import get_drain
from taskstatus.exceptions import Restarting, SlowReader, StoreUnavailable, UnknownTask
from taskstatus.hub import Hub, get_hub
from taskstatus.messages import Message
from taskstatus.stores import Reading, Store
from taskstatus.subscription import Subscription

__all__ = ["Feed", "follow"]

#: Wait before the store is asked again when it did not answer.
RETRY_SECONDS = 0.5
#: How long a worker may take to record a task again that the store has lost.
GRACE_SECONDS = 2.0


class Feed:
    """The messages of one task for one client.

    Made by ``follow()``. Versions strictly increase; state changes, log lines and the end are
    never skipped, interim statuses may be.
    """

    def __init__(
        self,
        task_id: str,
        *,
        store: Store,
        types: frozenset[str],
        reading: Reading,
        after: int | None,
        subscription: Subscription | None = None,
    ) -> None:
        self.task_id = task_id
        #: The status that ends the stream, once it is known.
        self.end = reading.status if reading.status.ready else None
        self._ended = False
        #: When the store was first seen to have lost the task.
        self._lost_at: float | None = None
        self._first: list[Message] = []
        self._store = store
        self._types = types
        self._subscription = subscription
        self._first = self._begin(reading, after)
        if subscription is not None:
            subscription.newest = self._last

    def _begin(self, reading: Reading, after: int | None) -> list[Message]:
        """Return what the client gets at once: a snapshot, or all that came after its cursor."""
        if after is not None and reading.resumes(after):
            self._last = after
            newer = self._accept(reading.messages)
            self._ended = self._ended or (reading.status.ready and not self._missing(reading))
            return newer
        snapshot = reading.status if after is None else reading.status.as_reset()
        COUNTS.reset += after is not None
        self._last = snapshot.version
        # Log lines newer than the status go with it, for those who asked for them.
        newer = self._accept(reading.messages)
        self._last = max(self._last, reading.version)
        self._ended = self._ended or reading.status.ready
        if after is None and "status" not in self._types:
            return newer
        return [snapshot, *newer]

    @property
    def ended(self) -> bool:
        """Whether the client has everything, the terminal status included (if it asked for it)."""
        return self._ended and not self._first

    def _missing(self, reading: Reading) -> bool:
        return reading.version > self._last

    def first(self) -> list[Message]:
        """Return, once, what the client gets at once."""
        first, self._first = self._first, []
        return first

    def body(self, messages: Sequence[Message]) -> bytes | None:
        """Return the body that tells a poll these messages; None when there is nothing to tell.

        The end is told again to whoever asks, however often.
        """
        if not messages:
            if not self.ended or self.end is None:
                return None
            messages = [self.end] if "status" in self._types else []
        return encode_batch(messages, cursor=self.cursor, ready=self.ended)

    async def batch(self, seconds: float) -> list[Message]:
        """Return what has come, oldest first; wait for it so long at most, then return [].

        Cancel-safe. Raises SlowReader when the client has fallen behind what is kept, Restarting
        when this process is about to stop.
        """
        if first := self.first():
            COUNTS.sent += len(first)
            return first
        if self._subscription is None or self._ended:
            return []
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while await self._subscription.wait(deadline - loop.time()):
            messages = await self._next()
            self._subscription.newest = self._last
            if messages or self._ended:
                COUNTS.sent += len(messages)
                return messages
            if self._subscription.closing:
                raise Restarting
            if loop.time() >= deadline:
                break  # a reader that is behind never waits, although the store may be away
        return []

    async def _next(self) -> list[Message]:
        subscription = self._subscription
        assert subscription is not None  # noqa: S101 - batch() has seen to it
        messages = subscription.take()
        if not subscription.behind and self._follows_on(messages):
            return self._accept(messages)
        # What comes from here on is contiguous with the reading, or shows a gap of its own.
        subscription.behind = False
        try:
            reading = await self._store.aread(self.task_id, self._last)
        except StoreUnavailable:
            subscription.behind = True
            await asyncio.sleep(RETRY_SECONDS)
            return []
        except asyncio.CancelledError:
            subscription.behind = True
            raise
        if reading is None:
            return await self._without_record()
        self._lost_at = None
        return self._catch_up(reading)

    def write_through(self, write: Callable[[Message], bool]) -> None:
        """Give messages to ``write`` as they come, while batch() waits.

        It must not wait, and returns whether it took the message; what it did not take, and what
        ends the task or does not follow on, comes from batch() as ever.
        """
        if self._subscription is not None:
            self._write = write
            self._subscription.direct = self._offer

    def _offer(self, message: Message) -> bool:
        last = self._last
        if message.version <= last:
            return True
        if message.prev > last or not message.prev or message.ready:
            return False
        if message.kind in self._types:
            if not self._write(message):
                return False
            COUNTS.sent += 1
        self._last = message.version
        if self._subscription is not None:
            self._subscription.newest = message.version
        return True

    def _follows_on(self, messages: Iterable[Message]) -> bool:
        last = self._last
        for message in messages:
            if message.version > last:
                if message.prev > last or (message.prev == 0 and last):
                    return False
                last = message.version
        return True

    def _catch_up(self, reading: Reading) -> list[Message]:
        if reading.resumes(self._last):
            return self._accept(reading.messages)
        if reading.version <= self._last:
            return []
        if reading.status.version <= self._last:
            # Only log lines are missing, and they are gone: who wants them must start over.
            if "log" in self._types:
                raise SlowReader
            return self._accept(reading.messages)
        self._last = reading.status.version
        newer = self._accept(reading.messages)
        self.end = reading.status if reading.status.ready else None
        self._ended = self._ended or reading.status.ready
        COUNTS.reset += 1
        return [reading.status.as_reset(), *newer]

    async def _without_record(self) -> list[Message]:
        """The store has lost the task while it was followed: ask the result backend.

        Not at once: what the worker has kept meanwhile, log lines among it, comes first.
        """
        loop = asyncio.get_running_loop()
        if self._lost_at is None:
            self._lost_at = loop.time()
            if self._subscription is not None:
                loop.call_later(GRACE_SECONDS * 1.05, self._subscription.poke)
        if loop.time() < self._lost_at + GRACE_SECONDS:
            return []
        if not await results.arestore(self.task_id):
            return []
        with contextlib.suppress(StoreUnavailable):
            reading = await self._store.aread(self.task_id, self._last)
            if reading is not None:
                return self._catch_up(reading)
        return []

    def _accept(self, messages: Iterable[Message]) -> list[Message]:
        """Return what of these is new and asked for, without superseded interim statuses."""
        accepted: list[Message] = []
        for message in messages:
            if message.version <= self._last:
                continue
            self._last = message.version
            if message.kind == "status":
                self._ended = message.ready
                self.end = message if message.ready else None
            if message.kind not in self._types:
                continue
            if accepted and message.interim and accepted[-1].state == message.state:
                accepted.pop()
            accepted.append(message)
            if self._ended:
                break
        return accepted

    @property
    def cursor(self) -> str:
        """The cursor of a client that has everything up to here."""
        return str(self._last)


@contextlib.asynccontextmanager
async def follow(
    task_id: str,
    *,
    after: int | None = None,
    types: frozenset[str] = frozenset({"status"}),
    hub: Hub | None = None,
    patience: float = 0.0,
    recall: bool = False,
) -> AsyncIterator[Feed]:
    """Open the feed of a task, from a snapshot or from the version ``after``.

    Raises UnknownTask when neither the store nor the result backend knows the task, and
    StoreUnavailable when the store does not answer. Who has a cursor has seen the task: it is
    waited for, ``patience`` seconds, because a store that was flushed learns of a running task
    again at its next word. With ``recall`` a cursor may be answered from what this process has
    heard lately: all there is, unless the layer has lost something. Leaving gives everything back.
    """
    hub = hub or get_hub()
    COUNTS.resumed += after is not None
    reading: Reading | None
    if not hub.is_watching(task_id) and not hub.joins_quickly:
        # Whether there is anything to join.
        reading = await _read_known(hub, task_id, after, types, patience)
        if reading.status.ready:
            # Nothing more will come, so there is nothing to subscribe to.
            yield Feed(task_id, store=hub.store, types=types, reading=reading, after=after)
            return
    # Join first, read then: the other order loses what is published in between.
    async with hub.subscribe(task_id) as subscription:
        reading = hub.recall(task_id, after) if recall and after is not None else None
        if reading is None:
            reading = await _read_known(hub, task_id, after, types, patience)
            hub.learn(task_id, reading)
        feed = Feed(
            task_id,
            store=hub.store,
            types=types,
            reading=reading,
            after=after,
            subscription=subscription,
        )
        del reading  # held for as long as the stream lasts otherwise
        yield feed


async def _read_known(
    hub: Hub, task_id: str, after: int | None, types: frozenset[str], patience: float
) -> Reading:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while True:
        try:
            return await _read(hub, task_id, after, types)
        except UnknownTask:
            if after is None or loop.time() >= deadline or get_drain().begun:
                raise
        await asyncio.sleep(RETRY_SECONDS)


async def _read(hub: Hub, task_id: str, after: int | None, types: frozenset[str]) -> Reading:
    # A snapshot stands for what came before it; only lines newer than it go along.
    reading = await lookup.aread(task_id, after, newer="log" in types, store=hub.store)
    if reading is None:
        raise UnknownTask
    return reading
