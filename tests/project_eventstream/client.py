"""An EventSource as the HTML standard has it (§ Server-sent events), for any stream of events."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from tests.harness.clients.event_stream import Event, EventStreamParser
from tests.harness.clients.http import http_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

__all__ = ["EventSource", "StreamOver"]

#: Longer than anything that is waited for takes, even on a busy machine.
EVENT_SECONDS = 20


class StreamOver(Exception):
    """The server has ended the response."""


class EventSource:
    """Reads a stream of events; an async context manager.

    ``reopen()`` does what the standard's reconnecting does, at once: it sends the id of the last
    event that had one.
    """

    def __init__(self, url: str, *, headers: dict[str, str] | None = None) -> None:
        self.url = url
        self.last_event_id = ""
        self._headers = headers or {}
        self._client = http_client("")

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._response.aclose()
        await self._client.aclose()

    async def _open(self) -> None:
        headers = {"Accept": "text/event-stream", **self._headers}
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        request = self._client.build_request("GET", self.url, headers=headers)
        self._response = await self._client.send(request, stream=True)
        self._chunks: AsyncIterator[bytes] = self._response.aiter_raw()
        self._parser = EventStreamParser()
        self._ready: deque[Event] = deque()

    @property
    def response(self) -> httpx.Response:
        """The response that is being read."""
        return self._response

    async def reopen(self) -> None:
        """Close the response, if the server has not, and ask again for what comes after."""
        await self._response.aclose()
        await self._open()

    async def any_event(self) -> Event:
        """Return the next event, whatever its type. Raises StreamOver."""
        while not self._ready:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                raise StreamOver
            self._ready.extend(self._parser.feed(chunk))
        event = self._ready.popleft()
        if event.has_id:
            self.last_event_id = event.last_event_id
        return event

    async def event(self, *types: str) -> Event:
        """Return the next event of these types, by default a status. Raises TimeoutError."""
        async with asyncio.timeout(EVENT_SECONDS):
            while (event := await self.any_event()).type not in (types or ("status",)):
                pass
            return event

    async def status(self) -> dict[str, Any]:
        """Return the next status."""
        status: dict[str, Any] = json.loads((await self.event()).data)
        return status

    async def statuses_until(self, state: str) -> list[dict[str, Any]]:
        """Return the next statuses, up to the first one in this state."""
        statuses = [await self.status()]
        while statuses[-1]["state"] != state:
            statuses.append(await self.status())
        return statuses
