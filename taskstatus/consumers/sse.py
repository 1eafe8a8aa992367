"""Server-Sent Events (PROTOCOL §5, WHATWG HTML §9.2)."""

from __future__ import annotations

import random
import time

from taskstatus import eventstream
from taskstatus.access import Caller
from taskstatus.conf import settings
from taskstatus.consumers.base import TaskHttpConsumer, check_pressure, is_pressed
from taskstatus.deadline import stream_seconds
from taskstatus.feed import Feed, follow
from taskstatus.messages import Message
from taskstatus.requests import StreamRequest
from taskstatus.writer import Writer, in_time

__all__ = ["SseConsumer"]

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
RETRY_MS = (1_000, 3_000)


class SseConsumer(TaskHttpConsumer):
    """One response, an event for each message, a comment while idle."""

    last_event_id = True

    async def respond(self, request: StreamRequest, caller: Caller) -> None:
        """Stream until the task's end; 204 when the client already has it."""
        stream = follow(
            request.task_id,
            after=request.after,
            types=request.types,
            patience=settings.RECONCILE_SECONDS,
        )
        async with stream as feed:
            first = await feed.batch(0)
            if feed.ended and not first:
                # An EventSource stops for good at this.
                await self.send_response(204, b"", headers=[(b"cache-control", b"no-store")])
                return
            await self.send_headers(headers=HEADERS)
            retry = random.randint(*RETRY_MS)  # noqa: S311 - jitter, not a secret
            opening = eventstream.opening(retry)
            await self.send_body(opening + eventstream.encode(first), more_body=True)
            await self._stream(feed, request, time.monotonic() + stream_seconds(caller))

    async def _stream(self, feed: Feed, request: StreamRequest, deadline: float) -> None:
        idle = eventstream.HEARTBEAT if request.heartbeat else eventstream.KEEPALIVE
        writer = Writer(self.scope.get("taskstatus.send", self.base_send))

        def write(message: Message) -> bool:
            if is_pressed(self.scope):
                return False
            body = message.event or eventstream.encode([message])
            part = {"type": "http.response.body", "body": body, "more_body": True}
            return writer.try_send(part)

        feed.write_through(write)
        try:
            while not feed.ended:
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                messages = await feed.batch(min(left, settings.KEEPALIVE_SECONDS))
                await writer.drain()
                body = eventstream.encode(messages) if messages else idle
                await in_time(self.send_body(body, more_body=True))
                check_pressure(self.scope)
        finally:
            writer.cancel()
