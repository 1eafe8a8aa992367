"""What the consumers of Server-Sent Events share (PROTOCOL §5, WHATWG HTML §9.2)."""

from __future__ import annotations

import random
from typing import Any

from taskstatus import eventstream
from taskstatus.consumers.http import HttpConsumer

__all__ = ["EventsConsumer", "body_part"]

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
RETRY_MS = (1_000, 3_000)


def body_part(body: bytes) -> dict[str, Any]:
    """Return the ASGI message that sends a part of a response."""
    return {"type": "http.response.body", "body": body, "more_body": True}


class EventsConsumer(HttpConsumer):
    """A response that is a stream of events."""

    async def open(self, first: bytes) -> None:
        """Begin the stream; the first events go along."""
        await self.send_headers(headers=HEADERS)
        self.rest()
        retry = random.randint(*RETRY_MS)  # noqa: S311 - jitter, not a secret
        await self.outlet.send(body_part(eventstream.opening(retry) + first))
