"""Task id → channel-layer group. The one door to the channel layer.

One group per task. What goes through it is a hint that brings its payload along: fast, and allowed
to fail, since the store has it all.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import deque
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

import msgpack
from channels.layers import get_channel_layer
from django.conf import settings as django_settings

from taskstatus.conf import host_url, settings
from taskstatus.digest import digest
from taskstatus.messages import Message

__all__ = ["decode", "envelope", "get_layer", "group_name", "plain_pubsub", "send", "serve_here"]

logger = logging.getLogger(__name__)

MESSAGE = "task.message"
PUBSUB_BACKEND = "channels_redis.pubsub.RedisPubSubChannelLayer"
#: How long a terminal state's sender waits for the layer: its process may end right after.
SEND_SECONDS = 1.0
#: Messages that may wait for the layer; past that they are dropped, and found by reconciling.
MAX_WAITING = 1_000


def get_layer() -> Any:
    """Return the channel layer that the settings name."""
    return get_channel_layer(settings.CHANNEL_LAYER)


def group_name(task_id: str) -> str:
    """Return the name of a task's group: any task id is safe, on any layer."""
    return f"ts.{digest(task_id)}"


def decode(message: dict[str, Any]) -> Message:
    """Return what a group message carries."""
    return Message(
        message["kind"],
        message["state"],
        int(message["version"]),
        int(message["prev"]),
        message["json"],
    )


def _encode(task_id: str, message: Message) -> dict[str, Any]:
    return {
        "type": MESSAGE,
        "task_id": task_id,
        "kind": message.kind,
        "state": message.state,
        "version": str(message.version),
        "prev": str(message.prev),
        "json": message.json,
    }


def envelope(task_id: str, kind: str, state: str) -> tuple[str, bytes] | None:
    """Return how the store itself can tell the group: a pub/sub channel and the message's start.

    None when it can't: the layer is not channels-redis's pub/sub layer in its plain form, on the
    very Redis that is the store. The message is a MessagePack map of seven; the script appends
    version, prev and json. This is the layer's own format (channels_redis.pubsub, 4.x), which a
    test reads back through the layer.
    """
    prefix = settings.keep("pubsub_prefix", _pubsub_prefix)
    if prefix is None:
        return None
    return f"{prefix}__group__{group_name(task_id)}", _envelope_start(task_id, kind, state)


@lru_cache(maxsize=4096)
def _envelope_start(task_id: str, kind: str, state: str) -> bytes:
    packer = msgpack.Packer(autoreset=False)
    packer.pack_map_header(7)
    for item in ("type", MESSAGE, "task_id", task_id, "kind", kind, "state", state):
        packer.pack(item)
    start: bytes = packer.bytes()
    return start


def plain_pubsub(layer: Any) -> tuple[Any, str] | None:
    """Return the Redis (an entry of ``hosts``) and the prefix of a layer whose groups are channels
    there: channels-redis's pub/sub layer, not one that is made from it, on one Redis. Else None.
    """
    made_by = type(layer)
    named: dict[str, Any] = django_settings.CHANNEL_LAYERS[settings.CHANNEL_LAYER]
    if f"{made_by.__module__}.{made_by.__qualname__}" == named["BACKEND"] == PUBSUB_BACKEND:
        hosts, prefix = _hosts_and_prefix(named.get("CONFIG", {}))
        return (hosts[0], prefix) if len(hosts) == 1 and _names_server(hosts[0]) else None
    return None


def _names_server(host: Any) -> bool:
    """Return whether an entry of ``hosts`` says where a Redis is; Sentinel's says whom to ask."""
    if isinstance(host, dict):
        return not {"address", "host"}.isdisjoint(host)
    return isinstance(host, str | tuple | list)


def _hosts_and_prefix(config: dict[str, Any]) -> tuple[Any, str]:
    return config.get("hosts") or ["redis://localhost:6379"], str(config.get("prefix", "asgi"))


def _pubsub_prefix() -> str | None:
    layer: dict[str, Any] = django_settings.CHANNEL_LAYERS[settings.CHANNEL_LAYER]
    config = layer.get("CONFIG", {})
    hosts, prefix = _hosts_and_prefix(config)
    if (
        layer["BACKEND"] != PUBSUB_BACKEND
        or len(hosts) != 1
        or config.get("symmetric_encryption_keys")
        or config.get("serializer_format", "msgpack") != "msgpack"
        or not _names_server(hosts[0])
        or _server(host_url(hosts[0])) != _server(settings.store_url)
    ):
        return None
    return prefix


@lru_cache(maxsize=32)
def _server(url: str) -> tuple[str, ...]:
    """Return which Redis a URL names; pub/sub knows no database numbers."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return ("unix", parts.path)
    return (parts.hostname or "localhost", str(parts.port or 6379))


def send(task_id: str, message: Message) -> None:
    """Send a message to a task's group, on any layer, from synchronous code.

    Returns at once, after at most SEND_SECONDS for a message that ends the task. A failure is
    logged, and healed by the readers' reconciling.
    """
    sent = threading.Event() if message.ready and not _in_event_loop() else None
    _sender.put(group_name(task_id), _encode(task_id, message), sent)
    if sent is not None and not sent.wait(SEND_SECONDS):
        logger.warning("The channel layer took over %s s; readers will reconcile", SEND_SECONDS)


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def serve_here() -> None:
    """Note that clients are served on the running event loop.

    An in-memory layer works on one loop only, so this process then sends from it, too.
    """
    _sender.serving.add(asyncio.get_running_loop())


class _Sender:
    """An event loop for synchronous code: the server's where there is one, else a thread's own.

    The thread is started on first use and again after a fork. Messages are sent one after another:
    that keeps their order, and takes one connection of the layer's.
    """

    def __init__(self) -> None:
        self.serving: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[tuple[str, dict[str, Any], threading.Event | None]] = deque()
        self._sending: asyncio.Task[None] | None = None

    def put(self, group: str, message: dict[str, Any], sent: threading.Event | None) -> None:
        """Send a message in its turn; ``sent`` is set once it is, or never will be."""
        if len(self._waiting) >= MAX_WAITING:
            logger.warning("The channel layer is too slow; readers will reconcile")
            if sent is not None:
                sent.set()
            return
        self._waiting.append((group, message, sent))
        self._running_loop().call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        loop, sending = asyncio.get_running_loop(), self._sending
        # One that belongs to a loop which was stopped is never done.
        if sending is None or sending.done() or sending.get_loop() is not loop:
            self._sending = loop.create_task(self._send_waiting())

    async def _send_waiting(self) -> None:
        while self._waiting:
            group, message, sent = self._waiting.popleft()
            try:
                await get_layer().group_send(group, message)
            except Exception as exc:  # noqa: BLE001 - layers raise what they like; a hint may be lost
                logger.warning("The channel layer refused a message: %r", exc)
            if sent is not None:
                sent.set()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        for loop in self.serving:
            if loop.is_running():
                return loop
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=self._loop.run_forever, name="taskstatus-groups", daemon=True
                )
                thread.start()
            return self._loop

    def reset(self) -> None:
        """Forget what did not survive a fork."""
        self.__init__()  # type: ignore[misc]


_sender = _Sender()
os.register_at_fork(after_in_child=_sender.reset)
