"""The channel layers under test, and one that loses what it is told to lose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from taskstatus.groups import group_name
from taskstatus.line import Line

if TYPE_CHECKING:
    import pytest

    from taskstatus.pubsub import PubSub

__all__ = [
    "KINDS",
    "Kind",
    "StraightTap",
    "Tap",
    "Way",
    "close_here",
    "everything",
    "layer_setting",
    "messages_only",
]

Kind = Literal["pubsub", "core", "memory"]
#: The layers, and the pub/sub layer's groups without it.
Way = Literal[Kind, "straight"]
KINDS: tuple[Kind, ...] = ("pubsub", "core", "memory")


def layer_setting(kind: Way, url: str, **config: Any) -> dict[str, Any]:
    """Return the entry of CHANNEL_LAYERS for a layer."""
    if kind == "memory":
        return {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": config}
    if kind in {"pubsub", "straight"}:
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
        #: Leaves a group.
        self.discard: Callable[..., Any] = layer.group_discard
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
        await self.discard(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send."""
        await self.layer.group_send(group, message)

    def drops(self, message: dict[str, Any]) -> bool:
        """Return whether a message is lost, and note it if so."""
        if self.loses is None or not self.loses(message):
            return False
        self.lost.append(message)
        return True

    async def receive(self, channel: str) -> dict[str, Any]:
        """Return the next message that is not lost."""
        while True:
            message: dict[str, Any] = await self.layer.receive(channel)
            if not self.drops(message):
                return message


class StraightTap(Tap):
    """The same for a hub that hears the pub/sub layer's groups straight from Redis."""

    def wrap(self, membership: PubSub, monkeypatch: pytest.MonkeyPatch) -> None:
        """See who joins there, and lose what it hears."""
        join, self.discard, hear = membership.join, membership.leave, Line._hear

        async def joining(task_id: str) -> bool:
            self.added.append(group_name(task_id))
            return await join(task_id)

        async def leaving(task_id: str) -> None:
            self.discarded.append(group_name(task_id))
            await self.discard(task_id)

        def hearing(line: Line, reply: Any) -> int:
            match reply:
                case [b"message", _, body] if self.loses is not None:
                    if self.drops(self.layer.deserialize(body)):
                        return 0
                case [b"subscribe", _, _] if self.drops({"type": "task.probe"}):
                    line._due.popleft()
                    return 0
            return hear(line, reply)

        monkeypatch.setattr(membership, "join", joining)
        monkeypatch.setattr(membership, "leave", leaving)
        monkeypatch.setattr(Line, "_hear", hearing)
