"""The channel layers under test, and one that loses what it is told to lose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

__all__ = ["KINDS", "Kind", "Tap", "close_here", "everything", "layer_setting", "messages_only"]

Kind = Literal["pubsub", "core", "memory"]
KINDS: tuple[Kind, ...] = ("pubsub", "core", "memory")


def layer_setting(kind: Kind, url: str, **config: Any) -> dict[str, Any]:
    """Return the entry of CHANNEL_LAYERS for a layer."""
    if kind == "memory":
        return {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": config}
    if kind == "pubsub":
        backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
        return {"BACKEND": backend, "CONFIG": {"hosts": [url], **config}}
    # With redis-py's default of five seconds every idle channel of this layer dies.
    hosts = [{"address": url, "socket_timeout": None}]
    return {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": hosts, **config},
    }


async def close_here(layer: Any) -> None:
    """Close what a Redis layer has open on this event loop, as it does when a loop is closed."""
    here = getattr(layer, "_layers", {}).pop(asyncio.get_running_loop(), None)
    if here is not None:
        await here.flush()


def everything(message: dict[str, Any]) -> bool:
    """Lose all that comes through a group, probes included."""
    return True


def messages_only(message: dict[str, Any]) -> bool:
    """Lose what tasks say, and let probes through, so that all seems well."""
    return bool(message["type"] == "task.message")


class Tap:
    """A real channel layer, of which one sees who joins, and which loses what ``loses`` picks."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.added: list[str] = []
        self.discarded: list[str] = []
        self.lost: list[dict[str, Any]] = []
        self.loses: Callable[[dict[str, Any]], bool] | None = None

    async def new_channel(self) -> str:
        """Make a channel of the layer's."""
        channel: str = await self.layer.new_channel()
        return channel

    async def group_add(self, group: str, channel: str) -> None:
        """Join, and note it."""
        self.added.append(group)
        await self.layer.group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Leave, and note it."""
        self.discarded.append(group)
        await self.layer.group_discard(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send."""
        await self.layer.group_send(group, message)

    async def receive(self, channel: str) -> dict[str, Any]:
        """Return the next message that is not lost."""
        while True:
            message: dict[str, Any] = await self.layer.receive(channel)
            if self.loses is None or not self.loses(message):
                return message
            self.lost.append(message)
