"""Reads several tasks' streams over one connection, on each transport."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from tests.harness.clients.base import Client, ProtocolViolation
from tests.harness.clients.longpoll import LongPollClient
from tests.harness.clients.message import Message
from tests.harness.clients.sse import SseClient
from tests.harness.clients.websocket import WebSocketClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.harness.clients.event_stream import Event

__all__ = [
    "BUNDLES",
    "Bundle",
    "BundleLongPollClient",
    "BundleSseClient",
    "BundleWebSocketClient",
]


class Bundle(Client):
    """A client of several tasks, each given as ``<id>`` or ``<id>~<cursor>``."""

    def __init__(
        self, base_url: str, *tasks: str, tokens: Sequence[str] = (), **options: Any
    ) -> None:
        super().__init__(base_url, "", **options)
        self.tasks = tasks
        self.tokens = tokens

    @property
    def path(self) -> str:
        """The path of the stream, with the query."""
        return f"/{self.prefix}/task_status/?{self._query(self.after)}"

    def _query(self, after: str | None) -> str:
        named = {"after": after, "types": self.types} | self.params
        single = [(key, value) for key, value in named.items() if value is not None]
        tokens = [("token", token) for token in self.tokens]
        return urlencode([*self._named_tasks(), *tokens, *single], safe="~")

    def _named_tasks(self) -> list[tuple[str, str]]:
        return [("task", task) for task in self.tasks]

    @property
    def ids(self) -> list[str]:
        """The ids of the tasks, in order."""
        return [task.rpartition("~")[0] if "~" in task else task for task in self.tasks]

    def of(self, task_id: str) -> list[Message]:
        """Return the messages of one task so far."""
        placed = [message for message in self.messages if message.version is not None]
        return [message for message in placed if message["task_id"] == task_id]

    def told(self, task_id: str) -> list[str]:
        """Return the states of one task so far, and "log" for lines."""
        return [message.state or message.type for message in self.of(task_id)]

    @property
    def problems(self) -> dict[str, Message]:
        """The problem of each task that was refused."""
        found = [message for message in self.messages if message.type == "problem"]
        return {message["task_id"]: message for message in found}

    @property
    def cursors(self) -> dict[str, str]:
        """The newest cursor of each task of which there was a message."""
        return {task_id: self.of(task_id)[-1].cursor for task_id in self.ids if self.of(task_id)}

    def is_settled(self) -> bool:
        """Return whether each task has ended or was refused."""
        ended = {message["task_id"] for message in self.messages if message.ready}
        return {*ended, *self.problems} >= set(self.ids)

    async def settled(self, timeout: float = 20) -> None:  # noqa: ASYNC109
        """Read until each task has ended or was refused."""
        async with asyncio.timeout(timeout):
            while not self.is_settled():
                await self.next(timeout)

    async def first(self, timeout: float = 20) -> None:  # noqa: ASYNC109
        """Read until there is something of each task."""
        async with asyncio.timeout(timeout):
            while {*self.cursors, *self.problems} < set(self.ids):
                await self.next(timeout)

    def _check_order(self, message: Message) -> None:
        if message.type == "heartbeat":
            return
        task_id = message["task_id"]
        if task_id not in self.ids:
            raise ProtocolViolation(f"a message of a task that nobody asked for: {message.raw!r}")
        if message.type == "problem":
            if set(message.data) != {"type", "task_id", "status", "code", "title", "detail"}:
                raise ProtocolViolation(f"a problem with {sorted(message.data)}")
            return
        self._check_version(message, self.of(task_id))

    def _check_version(self, message: Message, seen: list[Message]) -> None:
        if message.version is None or (seen and message.version <= int(seen[-1].cursor)):
            raise ProtocolViolation(f"{message.version} came after {seen[-1:]}")


class BundleSseClient(Bundle, SseClient):
    """Checks that the id of each event is the position after it."""

    async def _open(self) -> None:
        start = self.headers.get("Last-Event-ID") or self.after
        ends = [task.rpartition("~")[2] if "~" in task else "" for task in self.tasks]
        self._places = start.split(".") if start else [end or "0" for end in ends]
        self._over: set[str] = set()
        await super()._open()

    @property
    def position(self) -> str:
        """What a browser would send when it reconnects."""
        return self.parser.last_event_id

    def _finishes(self, message: Message) -> bool:
        if message.ready or message.type == "problem":
            self._over.add(message["task_id"])
        gone = {task for task, place in zip(self.ids, self._places, strict=True) if place == "x"}
        return self._over | gone >= set(self.ids)

    def _message_of(self, event: Event) -> Message:
        message = Message.from_json(event.data)
        if event.type != message.type:
            raise ProtocolViolation(f"event {event.type!r} carries a {message.type!r}")
        if event.has_id == (message.type == "heartbeat"):
            raise ProtocolViolation(f"id {event.last_event_id!r} with a {message.type!r}")
        if event.has_id:
            place = "x" if message.type == "problem" else message.cursor
            self._places[self.ids.index(message["task_id"])] = place
            if event.last_event_id != ".".join(self._places):
                raise ProtocolViolation(f"{event.last_event_id!r} is not {self._places}")
        return message


class BundleLongPollClient(Bundle, LongPollClient):
    """Goes on from the position that each answer gives."""

    schema: ClassVar[str] = "bundle.json"
    members: ClassVar[set[str]] = {"messages", "cursor", "cursors", "problems", "ready"}

    def _next_path(self) -> str:
        return f"/{self.prefix}/task_status/?{self._query(self._next_cursor)}"

    def _check_cursor(self, envelope: dict[str, Any]) -> None:
        places = dict(zip(self.ids, envelope["cursor"].split("."), strict=True))
        if envelope["cursors"] != {key: place for key, place in places.items() if place != "x"}:
            raise ProtocolViolation(f"{envelope['cursors']} is not {envelope['cursor']}")

    @property
    def position(self) -> str:
        """The position that the newest answer gave."""
        assert self._next_cursor is not None
        return self._next_cursor


class BundleWebSocketClient(Bundle, WebSocketClient):
    """Subscribes to its tasks as soon as it is connected."""

    async def _open(self) -> None:
        self._restarted: set[str] = set()
        await super()._open()
        for task, task_id in zip(self.tasks, self.ids, strict=True):
            await self.subscribe(task_id, after=task[len(task_id) + 1 :] or None)

    def _named_tasks(self) -> list[tuple[str, str]]:
        return []

    async def subscribe(self, task_id: str, **fields: Any) -> None:
        """Follow a task, once more if it is followed already."""
        if task_id not in self.ids:
            self.tasks += (f"{task_id}~",)
        self._restarted.add(task_id)
        given = {key: value for key, value in fields.items() if value is not None}
        await self.send(json.dumps({"type": "subscribe", "task_id": task_id, **given}))

    async def unsubscribe(self, task_id: str) -> None:
        """Follow a task no longer."""
        await self.send(json.dumps({"type": "unsubscribe", "task_id": task_id}))

    def _check_version(self, message: Message, seen: list[Message]) -> None:
        # A subscription that replaces another starts over.
        if message["task_id"] in self._restarted:
            self._restarted.discard(message["task_id"])
        else:
            super()._check_version(message, seen)


#: The client of each transport, by name.
BUNDLES: dict[str, type[Bundle]] = {
    client.transport: client
    for client in (BundleWebSocketClient, BundleSseClient, BundleLongPollClient)
}
