"""What makes django-eventstream's streams live: it tells them that a task has news.

They would wait for ``send_event()``, which nobody calls for a task. So as long as a stream of this
process listens to a task, a feed follows the task here, and at each batch the stream is made to
read the storage again, from where it is: in order, without a repetition, whatever came how. What a
GRIP proxy holds has no listener here; to the proxy the messages themselves are published.
"""

from __future__ import annotations

import asyncio
import logging
from weakref import WeakKeyDictionary

from django_eventstream.utils import publish_event
from django_eventstream.views import Listener, get_listener_manager

from taskstatus.conf import settings
from taskstatus.exceptions import SlowReader, TaskStatusError
from taskstatus.feed import Feed, follow
from taskstatus.messages import TYPES, Message

__all__ = ["follow_for_listeners", "follow_for_proxies", "wake"]

logger = logging.getLogger(__name__)


def wake(channel: str) -> bool:
    """Make this process's streams of a channel read the storage again; return if there are any.

    Thread-safe, never blocks. However often it is called before a stream gets to it, the stream
    reads once.
    """
    manager = get_listener_manager()
    with manager.lock:
        listeners = list(manager.listeners_by_channel.get(channel, ()))
        for listener in listeners:
            # The view's own way to say that its queue ran over: read the storage instead.
            listener.overflow = True
            listener.wake_threadsafe()
    return bool(listeners)


def follow_for_listeners(channel: str, task_id: str, *, again: bool = False) -> None:
    """Follow a task on the event loop where its streams wait, if there are any. Thread-safe.

    With ``again`` they are woken even if there is no news, in RECONCILE_SECONDS at the latest.
    """
    for loop in {listener.loop for listener in _listeners(channel)}:
        loop.call_soon_threadsafe(_relay, channel, task_id, again)


def follow_for_proxies(channel: str, task_id: str, *, after: int) -> None:
    """Follow a task on the running event loop and publish to the GRIP proxies what comes.

    This begins after the version that the proxy has, and ends with the task, or
    MAX_STREAM_SECONDS after the last call.
    """
    relay = _relay(channel, task_id)
    if relay.position is None:
        relay.position = after or None
    relay.held_until = asyncio.get_running_loop().time() + settings.MAX_STREAM_SECONDS


def _listeners(channel: str) -> list[Listener]:
    manager = get_listener_manager()
    with manager.lock:
        return list(manager.listeners_by_channel.get(channel, ()))


class _Relay:
    """Follows one task for whoever reads its channel through django-eventstream."""

    def __init__(self, channel: str, task_id: str, relays: dict[str, _Relay]) -> None:
        #: The version that was passed on last.
        self.position: int | None = None
        #: Until when a proxy is thought to hold streams, in the loop's time.
        self.held_until = 0.0
        #: Whether a stream could not read when it was woken.
        self.again = False
        self._channel = channel
        self._task_id = task_id
        self._relays = relays
        self._task = asyncio.get_running_loop().create_task(self._run())

    def _is_held(self) -> bool:
        return asyncio.get_running_loop().time() < self.held_until

    def _has_readers(self) -> bool:
        return self._is_held() or bool(_listeners(self._channel))

    async def _run(self) -> None:
        types = frozenset(TYPES)
        while self._has_readers():
            try:
                async with follow(self._task_id, after=self.position, types=types) as feed:
                    await self._pass_on(feed)
                    # Before anything is awaited: who comes from now on starts a relay anew.
                    self._relays.pop(self._channel, None)
                    return
            except SlowReader:
                self.position = None
                continue
            except TaskStatusError as error:
                # The task is unknown as yet, the store is away, or the process is about to stop.
                logger.debug("%s can't be followed now: %s", self._channel, error)
            except Exception:
                logger.exception("Following %s failed", self._channel)
            await asyncio.sleep(settings.RECONCILE_SECONDS)
        self._relays.pop(self._channel, None)

    async def _pass_on(self, feed: Feed) -> None:
        """Tell the readers of each batch until the task has ended or nobody reads any more."""
        while not feed.ended and self._has_readers():
            messages = await feed.batch(settings.RECONCILE_SECONDS)
            if messages or self.again:
                self.again = False
                wake(self._channel)
            for message in messages:
                if self._is_held() and self.position is not None:
                    self._publish(message, self.position)
                self.position = message.version

    def _publish(self, message: Message, previous: int) -> None:
        event = (self._channel, message.kind, message.json)
        # In a thread of its own, which tries again; what it can't deliver the proxy asks for.
        publish_event(*event, pub_id=message.cursor, pub_prev_id=str(previous))


_relays: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Relay]] = WeakKeyDictionary()


def _relay(channel: str, task_id: str, again: bool = False) -> _Relay:
    """Return the relay of a channel on the running event loop; one is made if need be."""
    relays = _relays.setdefault(asyncio.get_running_loop(), {})
    relay = relays.get(channel)
    if relay is None:
        relay = relays[channel] = _Relay(channel, task_id, relays)
    relay.again = relay.again or again
    return relay
