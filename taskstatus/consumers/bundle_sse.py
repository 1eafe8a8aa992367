"""Server-Sent Events of several tasks (PROTOCOL §10)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from taskstatus import eventstream
from taskstatus.conf import settings
from taskstatus.consumers.bundle import Bundle, Item, open_bundle
from taskstatus.consumers.events import EventsConsumer, body_part
from taskstatus.consumers.pumps import Pumps
from taskstatus.deadline import stream_seconds
from taskstatus.exceptions import Forbidden
from taskstatus.messages import Message
from taskstatus.position import REFUSED, Position
from taskstatus.problems import FORBIDDEN
from taskstatus.requests import BundleRequest

__all__ = ["BundleSseConsumer"]

#: How much of the beginning goes out at once.
CHUNK = 65_536


class BundleSseConsumer(EventsConsumer):
    """One response; the id of each event is the position in all of the streams."""

    _position: Position

    async def answer(self) -> None:
        """Stream until each task has ended or is refused; 204 when the client knows."""
        request = BundleRequest.from_scope(self.scope, last_event_id=True)
        async with open_bundle(self.scope, request) as bundle:
            if bundle.refusal is not None:
                await self.refuse(bundle.refusal)
            elif bundle.over and not bundle.news:
                await self.send_nothing()
            else:
                self._position = bundle.position
                await self._stream(bundle, request)

    async def _stream(self, bundle: Bundle, request: BundleRequest) -> None:
        deadline = time.monotonic() + stream_seconds(bundle.caller)
        idle = eventstream.HEARTBEAT if request.heartbeat else eventstream.KEEPALIVE
        await self._begin(bundle)
        async with Pumps() as pumps:
            for item in bundle.items:
                if not item.over:
                    pumps.start(self._follow(bundle, item))
            beat = time.monotonic()
            while pumps:
                now = time.monotonic()
                if now >= deadline:
                    return
                if now >= beat + settings.KEEPALIVE_SECONDS:
                    beat = now
                    await self._send(idle)
                await pumps.wait(min(deadline, beat + settings.KEEPALIVE_SECONDS) - now)

    async def _begin(self, bundle: Bundle) -> None:
        await self.open(b"")
        chunk = bytearray()
        for item in bundle.items:
            for message in item.messages:
                chunk += self._encode(item.index, message)
            if item.problem is not None:
                chunk += self._encode_problem(item)
            if len(chunk) > CHUNK:
                await self._send(bytes(chunk))
                chunk.clear()
        if chunk:
            await self._send(bytes(chunk))

    async def _follow(self, bundle: Bundle, item: Item) -> None:
        if item.strand.feed is None:
            await bundle.find(item)
            await self._send_all(item.index, item.messages)
        if item.problem is None:
            try:
                await item.strand.pump(
                    write=partial(self._write, item.index),
                    send=partial(self._send_all, item.index),
                )
            except Forbidden:
                item.problem = FORBIDDEN
        if item.problem is not None:
            await self.outlet.ready()
            self.outlet.offer(body_part(self._encode_problem(item)))
            await self.outlet.drain()

    def _write(self, index: int, message: Message) -> bool:
        # The position may move only with what is sent, and in the same order.
        return self.outlet.free and self.outlet.offer(body_part(self._encode(index, message)))

    async def _send_all(self, index: int, messages: Sequence[Message]) -> None:
        for message in messages:
            await self.outlet.ready()
            self._write(index, message)
        await self.outlet.drain()

    async def _send(self, body: bytes) -> None:
        await self.outlet.ready()
        await self.outlet.send(body_part(body))

    def _encode(self, index: int, message: Message) -> bytes:
        self._position.move(index, message.version)
        return eventstream.encode_at(message, bytes(self._position))

    def _encode_problem(self, item: Item) -> bytes:
        assert item.problem is not None  # noqa: S101 - there is one to tell
        self._position.move(item.index, REFUSED)
        return eventstream.encode_problem(item.problem.message(item.task_id), bytes(self._position))
