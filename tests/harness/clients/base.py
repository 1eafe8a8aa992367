"""What the three clients have in common: one interface, and what holds on every transport."""

from __future__ import annotations

import asyncio
import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from tests.harness.clients.message import Message

__all__ = ["Client", "End", "Ended", "ProtocolViolation", "StreamEnded", "encode_id"]


class End(enum.Enum):
    """How a stream ended, whatever the transport."""

    TERMINAL = "the task is over"
    BAD_REQUEST = "the request was malformed"
    FORBIDDEN = "the caller may not read this task"
    UNKNOWN = "there is no such task"
    NOT_ALLOWED = "the method is not allowed"
    TOO_SLOW = "the reader was too slow"
    COME_BACK = "the server asks the client to come back"
    TOO_MANY = "the client has too many connections"
    UNAVAILABLE = "the store is unavailable"
    CUT = "the stream ended and said nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of a stream."""

    reason: End
    #: The close code of the WebSocket, else the HTTP status.
    code: int
    headers: dict[str, str]
    #: The body of an HTTP error.
    body: bytes = b""


class StreamEnded(Exception):
    """There is no further message."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(f"{ended.reason.name} ({ended.code}) {ended.body[:200]!r}")
        self.ended = ended


class ProtocolViolation(AssertionError):
    """The server did what it never may, whatever the test is about."""


def encode_id(task_id: str) -> str:
    """Return the id as one segment of a URL's path."""
    if task_id in {".", ".."}:
        return task_id.replace(".", "%2E")
    return quote(task_id, safe="")


class Client(ABC):
    """Reads one task's stream; an async context manager.

    Opening it never fails because of what the server answers: a refusal is an ``end`` like any
    other. With ``encoded_id`` the path is sent as it is.
    """

    transport: ClassVar[str]
    prefix: ClassVar[str]

    def __init__(
        self,
        base_url: str,
        task_id: str,
        *,
        token: str | None = None,
        after: str | None = None,
        types: str | None = None,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        encoded_id: str | None = None,
    ) -> None:
        self.base_url = base_url
        self.task_id = task_id
        self.token = token
        self.after = after
        self.types = types
        self.params = params or {}
        self.headers = headers or {}
        self.encoded_id = encode_id(task_id) if encoded_id is None else encoded_id
        self.messages: list[Message] = []
        self.end: Ended | None = None

    @property
    def path(self) -> str:
        """The path of the stream, with the query."""
        named = {"token": self.token, "after": self.after, "types": self.types}
        query = {key: value for key, value in named.items() if value is not None} | self.params
        return f"/{self.prefix}/task_status/{self.encoded_id}/" + (
            f"?{urlencode(query)}" if query else ""
        )

    @property
    def cursor(self) -> str | None:
        """The cursor of the newest message, else the one that this client resumed from."""
        placed = [message for message in self.messages if message.version is not None]
        return placed[-1].cursor if placed else self.after

    @property
    def states(self) -> list[str]:
        """The states seen, in order."""
        return [message.state for message in self.messages if message.state is not None]

    async def next(self, timeout: float = 10) -> Message:  # noqa: ASYNC109
        """Return the next message. Raises StreamEnded after the last one, TimeoutError in none."""
        if self.end is not None:
            raise StreamEnded(self.end)
        async with asyncio.timeout(timeout):
            try:
                message = await self._read()
            except StreamEnded as stop:
                self.end = stop.ended
                raise
        self._check_order(message)
        self.messages.append(message)
        return message

    async def collect(self, timeout: float = 30) -> list[Message]:  # noqa: ASYNC109
        """Return all messages, those already read too, once the stream has ended."""
        async with asyncio.timeout(timeout):
            while True:
                try:
                    await self.next(timeout)
                except StreamEnded:
                    return self.messages

    async def until(self, state: str, timeout: float = 10) -> Message:  # noqa: ASYNC109
        """Return the first further message with this state."""
        async with asyncio.timeout(timeout):
            while (message := await self.next(timeout)).state != state:
                pass
            return message

    async def ended(self, timeout: float = 10) -> Ended:  # noqa: ASYNC109
        """Return the end, which must come with no further message."""
        try:
            message = await self.next(timeout)
        except StreamEnded as stop:
            return stop.ended
        raise AssertionError(f"expected the end, got {message.raw!r}")

    def resume(self, after: str | None = None, **changes: Any) -> Client:
        """Return a new client of the same stream that resumes after the cursor (the newest)."""
        known: dict[str, Any] = {
            "token": self.token,
            "types": self.types,
            "params": self.params,
            "headers": self.headers,
            "after": after or self.cursor,
        }
        return type(self)(self.base_url, self.task_id, **(known | changes))

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._close()

    @abstractmethod
    async def _open(self) -> None:
        """Connect; a refusal is kept for the first ``_read``."""

    @abstractmethod
    async def _read(self) -> Message:
        """Return the next message, safe to cancel. Raises StreamEnded."""

    @abstractmethod
    async def _close(self) -> None:
        """Let go of everything."""

    def _check_order(self, message: Message) -> None:
        if message.type == "heartbeat":
            return
        if message["task_id"] != self.task_id:
            raise ProtocolViolation(f"a message of another task: {message.raw!r}")
        versions = [seen.version for seen in self.messages if seen.version is not None]
        if message.version is None or (versions and message.version <= versions[-1]):
            raise ProtocolViolation(f"{message.version} came after {versions[-1:]}")
        if any(seen.ready for seen in self.messages):
            raise ProtocolViolation(f"a message after the end: {message.raw!r}")
