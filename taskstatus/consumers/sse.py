"""Server-Sent Events (PROTOCOL §5, WHATWG HTML §9.2)."""

from __future__ import annotations

import contextlib

from taskstatus import eventstream, wire
from taskstatus.conf import settings
from taskstatus.consumers.events import EventsConsumer, body_part
from taskstatus.consumers.single import caller_of, open_feed
from taskstatus.deadline import Deadline
from taskstatus.exceptions import Restarting
from taskstatus.feed import Feed
from taskstatus.limits import Counted
from taskstatus.messages import Message
from taskstatus.requests import StreamRequest

__all__ = ["SseConsumer"]


class SseConsumer(EventsConsumer):
    """One response, an event for each message, a comment while idle."""

    _write: wire.Write | None = None

    async def answer(self) -> None:
        """Stream until the task's end; 204 when the client already has it."""
        request = StreamRequest.from_scope(self.scope, last_event_id=True)
        caller = await caller_of(self.scope, request)
        with Counted(caller):
            async with open_feed(request) as feed:
                await self._stream(feed, request, Deadline(caller, request.task_id))

    async def _stream(self, feed: Feed, request: StreamRequest, deadline: Deadline) -> None:
        first: list[Message] = []
        # To an EventSource a refusal is the end; a stream that ends makes it come back.
        with contextlib.suppress(Restarting):
            first = await feed.batch(0)
        if feed.ended and not first:
            # An EventSource stops for good at this.
            await self.send_nothing()
            return
        await self.open(eventstream.encode(first))
        idle = eventstream.HEARTBEAT if request.heartbeat else eventstream.KEEPALIVE
        self._write = self.outlet.past_server(wire.chunk_writer)
        feed.write_through(self._offer if self._write is None else self._push)
        while not feed.ended:
            left = await deadline.left()
            if left <= 0:
                return
            messages = await feed.batch(min(left, settings.KEEPALIVE_SECONDS))
            body = eventstream.encode(messages) if messages else idle
            await self.outlet.send(body_part(body))
            self.outlet.check()

    def _push(self, message: Message) -> bool:
        write = self._write
        return write is not None and write(message.chunk or _chunk(message))

    def _offer(self, message: Message) -> bool:
        return self.outlet.offer(body_part(eventstream.encode([message])))


def _chunk(message: Message) -> bytes:
    """Return a message as a chunk of a body, which is made once for all of its clients."""
    chunk = message.chunk = wire.body_chunk(eventstream.encode([message]))
    return chunk
