"""Reads a task's stream by long-poll."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar
from urllib.parse import urlencode

from tests.harness.clients import strict_json
from tests.harness.clients.base import Client, End, Ended, ProtocolViolation, StreamEnded
from tests.harness.clients.http import ended_by, header_bytes, http_client
from tests.harness.clients.message import Message
from tests.harness.clients.schema import validator

__all__ = ["LongPollClient"]


class LongPollClient(Client):
    """A client that polls again and again on one connection, as long as the task is not over."""

    transport: ClassVar[str] = "longpoll"
    prefix: ClassVar[str] = "poll"
    #: What an answer holds.
    schema: ClassVar[str] = "batch.json"
    members: ClassVar[set[str]] = {"messages", "cursor", "ready"}

    async def _open(self) -> None:
        self._http = http_client(self.base_url)
        self._buffer: deque[Message] = deque()
        self._next_cursor = self.after
        self._last: Ended | None = None

    async def _read(self) -> Message:
        while not self._buffer:
            if self._last is not None:
                raise StreamEnded(self._last)
            await self._poll()
        return self._buffer.popleft()

    async def _close(self) -> None:
        await self._http.aclose()

    async def _poll(self) -> None:
        response = await self._http.get(self._next_path(), headers=header_bytes(self.headers))
        if response.status_code == 204:
            return
        if response.status_code != 200:
            self._last = ended_by(response)
            return
        envelope: dict[str, Any] = strict_json.loads(response.text)
        if set(envelope) != self.members:
            raise ProtocolViolation(f"an answer with {sorted(envelope)}")
        validator(self.schema)(envelope)
        for member in ("messages", "problems"):
            texts = strict_json.member_texts(response.text, member)
            self._buffer.extend(Message.from_json(text) for text in texts)
        self._check_cursor(envelope)
        self._next_cursor = envelope["cursor"]
        if envelope["ready"]:
            self._last = Ended(reason=End.TERMINAL, code=200, headers=dict(response.headers))

    def _next_path(self) -> str:
        named = {"token": self.token, "after": self._next_cursor, "types": self.types}
        query = {key: value for key, value in named.items() if value is not None} | self.params
        return f"/{self.prefix}/task_status/{self.encoded_id}/?{urlencode(query)}"

    def _check_cursor(self, envelope: dict[str, Any]) -> None:
        if self._buffer and int(envelope["cursor"]) < int(self._buffer[-1].cursor):
            raise ProtocolViolation(f"the cursor {envelope['cursor']} is not the last one")
