"""One per process and event loop: task groups on one side, local readers on the other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from taskstatus import changes, groups
from taskstatus.cancellation import stop
from taskstatus.collector import tend_collector
from taskstatus.conf import settings
from taskstatus.counts import COUNTS
from taskstatus.drain import get_drain
from taskstatus.exceptions import StoreUnavailable
from taskstatus.loops import for_this_loop
from taskstatus.membership import RETRY_SECONDS, Membership
from taskstatus.messages import Message
from taskstatus.publisher import publish
from taskstatus.pubsub import PubSub
from taskstatus.recent import Recent
from taskstatus.stalls import Stalls
from taskstatus.stores import Pulse, Reading, Store, get_store
from taskstatus.subscription import Subscription

__all__ = ["LINGER_SECONDS", "Hub", "Reader", "Watch", "get_hub"]

logger = logging.getLogger(__name__)

#: How long a group stays joined without a reader, so that a long-poll client finds it so.
LINGER_SECONDS = 5.0
#: Tasks that are reconciled in one step: some milliseconds, where all of them have changed.
CHUNK = 200
#: What a message costs to hand over besides its length, in characters.
HANDLING = 1_024


class Reader(Protocol):
    """One that a hub tells what comes. None of this may wait."""

    def put(self, message: Message) -> None:
        """Take a message that the group has brought."""

    def lacks(self, version: int) -> bool:
        """Return whether this version of the store has not come here."""

    def poke(self) -> None:
        """Hear that the store has something that did not come, or has lost what did."""

    def close(self) -> None:
        """Hear that there will be nothing more."""


class Watch:
    """A task that somebody here follows."""

    __slots__ = (
        "joined",
        "leaving",
        "lock",
        "pollers",
        "pulse",
        "readers",
        "recent",
        "task_id",
        "tried",
        "version",
    )

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        #: The store's, when it was last looked at; None when the pulse must be.
        self.version: int | None = None
        #: As it is at this version, unless that is newer than the look before.
        self.pulse: Pulse | None = None
        self.readers: set[Reader] = set()
        #: Readers that stand for many: by what these ask (``pollers.py``).
        self.pollers: dict[Any, Any] = {}
        self.lock = asyncio.Lock()
        self.joined = False
        self.tried = False
        self.leaving: asyncio.TimerHandle | None = None
        #: For readers that come and go.
        self.recent: Recent | None = None


class Hub:
    """Joins each followed task's group once and hands what comes to every local reader.

    What the layer loses is found again by reconciling: every RECONCILE_SECONDS the newest versions
    of all followed tasks are read from the store, and readers that are behind are told.
    """

    def __init__(self, layer: Any, store: Store) -> None:
        self.store = store
        self._watches: dict[str, Watch] = {}
        #: Set when reconciling must not wait.
        self._urgent = asyncio.Event()
        self._membership = self._make_membership(layer)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stalls = Stalls()

    def is_watching(self, task_id: str) -> bool:
        """Return whether the task's group is joined."""
        return self.joined(task_id) is not None

    @property
    def joins_quickly(self) -> bool:
        """Whether to join a group takes less than to find out first whether that is worth it."""
        return self._membership.quick

    def joined(self, task_id: str) -> Watch | None:
        """Return the watch over a task whose group is joined."""
        watch = self._watches.get(task_id)
        return watch if watch is not None and watch.joined else None

    def recall(self, task_id: str, after: int) -> Reading | None:
        """Return what a reader with a subscription, who has seen ``after``, is missing.

        None when that is not known here: then ask the store, and tell ``learn()``. What the layer
        has lost is missing here as well, until reconciling.
        """
        watch = self._watches[task_id]
        if watch.recent is None:
            watch.recent = Recent()
        return watch.recent.since(after) if watch.joined else None

    def learn(self, task_id: str, reading: Reading) -> None:
        """Take what the store has answered to a reader with a subscription."""
        recent = self._watches[task_id].recent
        if recent is not None:
            recent.learn(reading)

    @contextlib.asynccontextmanager
    async def subscribe(self, task_id: str) -> AsyncIterator[Subscription]:
        """Hold a subscription to a task's group.

        Entering returns when a message sent through the group is known to arrive here, or after
        about PROBE_SECONDS when the layer doesn't deliver (reconciling then makes up for it):
        what is read from the store afterwards, and what the subscription brings, leave no hole.
        Leaving never blocks.
        """
        watch = self._watches.get(task_id)
        if watch is None:
            watch = self._watches[task_id] = Watch(task_id)
        subscription = Subscription()
        subscription.closing = get_drain().begun
        self.enter(watch, subscription)
        try:
            if not watch.joined:
                await self._join(watch)
            yield subscription
        finally:
            self.leave(watch, subscription)
            # Without a circle it goes when the connection is closed.
            subscription.direct = None

    def enter(self, watch: Watch, reader: Reader) -> None:
        """Let a reader hear what comes, as it does at once where the group is joined."""
        watch.readers.add(reader)
        if watch.leaving is not None:
            watch.leaving.cancel()
            watch.leaving = None

    def leave(self, watch: Watch, reader: Reader) -> None:
        """Let a reader hear nothing more; after the last one the group is left, in a while."""
        watch.readers.discard(reader)
        if not watch.readers:
            loop = asyncio.get_running_loop()
            watch.leaving = loop.call_later(LINGER_SECONDS, self._spawn_leave, watch)

    async def _join(self, watch: Watch, *, again: bool = False) -> None:
        async with watch.lock:
            # After a failure only reconciling tries again, so that readers need not queue for it.
            if (not again and (watch.joined or watch.tried)) or not watch.readers:
                return
            watch.tried, watch.joined = True, False
            self._begin()
            try:
                watch.joined = await self._membership.join(watch.task_id)
            except asyncio.CancelledError:
                # This reader has gone; whether the layer works is for the next one to find out.
                watch.tried = False
                raise

    def _make_membership(self, layer: Any) -> Membership | PubSub:
        address = groups.plain_pubsub(layer)
        if address is None:
            return Membership(layer, self._hear)
        host, prefix = address
        return PubSub(layer, host, prefix, hear=self._hear, returned=self._urgent.set)

    def _begin(self) -> None:
        """Begin to reconcile."""
        if not self._tasks:
            groups.serve_here()
            get_drain().on_begin(self.close_readers)
            self._spawn(self._reconcile())

    def close_readers(self) -> None:
        """Tell every reader to end."""
        for watch in self._watches.values():
            for reader in watch.readers:
                reader.close()

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _hear(self, group_message: dict[str, Any]) -> int:
        watch = self._watches.get(group_message.get("task_id", ""))
        if watch is None or group_message["type"] != groups.MESSAGE:
            return 0
        message = groups.decode(group_message)
        if watch.recent is not None:
            watch.recent.hear(message)
        for reader in watch.readers:
            reader.put(message)
        return HANDLING + len(message.json) * len(watch.readers)

    async def _reconcile(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(settings.RECONCILE_SECONDS):
                    await self._urgent.wait()
            self._urgent.clear()
            tend_collector()
            try:
                await self.reconcile()
            except StoreUnavailable:
                await self._until_store_returns()
            except Exception:
                logger.exception("Reconciling failed")

    async def _until_store_returns(self) -> None:
        logger.warning("The status store does not answer; open streams wait for it")
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            with contextlib.suppress(StoreUnavailable):
                await self.reconcile()
                logger.warning("The status store answers again")
                return

    async def reconcile(self) -> None:
        """Compare every followed task with the store once, and wake the readers that are behind.

        Raises StoreUnavailable.
        """
        watches = [watch for watch in self._watches.values() if watch.readers or watch.recent]
        unsure: list[Watch] = []
        for start in range(0, len(watches), CHUNK):
            chunk = watches[start : start + CHUNK]
            versions = await self.store.aversions([watch.task_id for watch in chunk])
            quiet: list[Watch] = []
            for watch, version in zip(chunk, versions, strict=True):
                behind = [reader for reader in watch.readers if reader.lacks(version)]
                for reader in behind:
                    reader.poke()
                COUNTS.healed += len(behind)
                if watch.recent is not None and not 0 < version <= watch.recent.newest:
                    watch.recent = None
                # Being behind may mean that the layer has forgotten us.
                if behind or not watch.joined:
                    unsure.append(watch)
                if watch.version not in {None, version}:
                    # Its worker has spoken since the last look, and lives.
                    watch.pulse = None
                elif watch.pulse is None:
                    quiet.append(watch)
                watch.version = version
            if quiet:
                pulses = await self.store.apulses([watch.task_id for watch in quiet])
                for watch, pulse in zip(quiet, pulses, strict=True):
                    watch.pulse = pulse
        await self._judge([watch.pulse for watch in watches if watch.pulse and watch.pulse.worker])
        # Only now, and all at once: where the layer is away, each of them takes its time.
        await asyncio.gather(*[self._join(watch, again=True) for watch in unsure])

    async def _judge(self, pulses: Sequence[Pulse]) -> None:
        """Say of which followed tasks the worker is gone, or back."""
        workers = sorted({pulse.worker for pulse in pulses if pulse.worker})
        alive = await self.store.aleases(workers)
        for pulse, stalled in self._stalls.judge(pulses, alive):
            change = changes.marked(pulse.task_id, pulse.state, stalled=stalled)
            await asyncio.to_thread(publish, change)
            if watch := self._watches.get(pulse.task_id):
                # It is us who have spoken.
                watch.version = watch.pulse = None

    def _spawn_leave(self, watch: Watch) -> None:
        watch.leaving = None
        self._spawn(self._leave(watch))

    async def _leave(self, watch: Watch) -> None:
        async with watch.lock:
            if watch.readers:
                return
            watch.joined = watch.tried = False
            await self._membership.leave(watch.task_id)
            # A reader that has come meanwhile waits for the lock, and joins again.
            if not watch.readers:
                self._watches.pop(watch.task_id, None)

    async def aclose(self) -> None:
        """Leave every group and stop. Readers still there hear nothing any more."""
        for watch in list(self._watches.values()):
            if watch.leaving is not None:
                watch.leaving.cancel()
            if watch.joined:
                watch.joined = False
                await self._membership.leave(watch.task_id)
        self._watches.clear()
        await self._membership.aclose()
        await stop(*self._tasks)
        loop = asyncio.get_running_loop()
        if _hubs.get(loop) is self:
            del _hubs[loop]


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def get_hub() -> Hub:
    """Return the hub of the running event loop; it is made on first use."""
    return for_this_loop(_hubs, lambda: Hub(groups.get_layer(), get_store()))
