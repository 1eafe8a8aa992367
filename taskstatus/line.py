"""One subscribed connection to Redis, without a task switch for what it brings."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from taskstatus.membership import TURN
from taskstatus.resp import Refusal, Replies, pack

__all__ = ["Line"]

logger = logging.getLogger(__name__)

#: How often Redis is asked whether it is still there, and how often it may fail to say so.
PING_SECONDS = 5.0
MOST_SILENT = 2
#: Where messages come faster than one in so long, ...
BUSY_SECONDS = 0.005
#: ... they are read in one go after such a rest: to wake up for each costs a process more than to
#: handle it.
REST_SECONDS = 0.020
#: Channels in one command.
CHUNK = 1_000


class Line(asyncio.Protocol):
    """Hands what is published to ``take`` as it comes, which returns how much work it was.

    After so much work the event loop gets a turn, and meanwhile no more is read. ``answered`` is
    called when Redis has answered to all that was sent.
    """

    def __init__(self, take: Callable[[bytes], int], answered: Callable[[], None]) -> None:
        self._take = take
        self._answered = answered
        self._loop = asyncio.get_running_loop()
        self._replies = Replies()
        self._lost = asyncio.Event()
        self._heard_at = 0.0
        #: Redis answers in order, once for each channel.
        self._due: deque[asyncio.Future[bool] | None] = deque()
        self._on_pong: Callable[[], None] | None = None
        self._paused = False
        self._refusal: Refusal | None = None

    def take_over(self, transport: Any) -> None:
        """Receive what comes over a connection that is made and idle."""
        self._transport = transport
        transport.set_protocol(self)
        if transport.is_closing():
            # Lost before; somebody else was told.
            self._lost.set()

    def send(
        self, command: str, channels: Sequence[tuple[str, asyncio.Future[bool] | None]]
    ) -> None:
        """Send SUBSCRIBE or UNSUBSCRIBE for channels; each one's future tells when it is so."""
        for start in range(0, len(channels), CHUNK):
            chunk = channels[start : start + CHUNK]
            self._write(pack(command, *[name for name, _ in chunk]))
            self._due += [joined for _, joined in chunk]

    @property
    def is_answered(self) -> bool:
        """Whether Redis has answered to all that was sent."""
        return not self._due

    async def attend(self, subscribed: Callable[[], None] | None) -> None:
        """Return when the connection is lost, or Redis no longer answers.

        ``subscribed`` is called once all that was sent before has been done. Raises Refusal.
        """
        self._on_pong = subscribed
        silent = 0
        while silent < MOST_SILENT and not self._lost.is_set():
            asked = time.monotonic()
            self._write(pack("PING"))
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._lost.wait()
            except TimeoutError:
                silent = silent + 1 if self._heard_at < asked else 0
        if self._refusal is not None:
            raise self._refusal

    def _write(self, data: bytes) -> None:
        # uvloop's connections raise RuntimeError once they are lost.
        if not self._lost.is_set():
            self._transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._lost.set()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        before, self._heard_at = self._heard_at, time.monotonic()
        self._replies.feed(data)
        if not self._paused:
            handled = self._go_on()
            if self._heard_at - before < handled * BUSY_SECONDS and not self._paused:
                self._pause()
                self._loop.call_later(REST_SECONDS, self._go_on)

    def _pause(self) -> None:
        self._paused = True
        self._transport.pause_reading()

    def _go_on(self) -> int:
        """Handle what has come, and receive more; return how many replies it was."""
        work = count = 0
        for count, reply in enumerate(self._replies, 1):
            try:
                work += self._hear(reply)
            except Exception:
                logger.exception("A group message could not be read")
            if work > TURN:
                if not self._paused:
                    self._pause()
                self._loop.call_soon(self._go_on)
                return count
        if self._paused:
            self._paused = False
            if not self._lost.is_set():
                self._transport.resume_reading()
        return count

    def _hear(self, reply: Any) -> int:
        if self._refusal is not None:
            # One refusal for many channels: what follows can't be told apart.
            return 0
        match reply:
            case [b"message", _, body]:
                return self._take(body)
            case [b"subscribe" | b"unsubscribe", _, _]:
                joined = self._due.popleft()
                if joined is not None and not joined.done():
                    joined.set_result(True)
                if not self._due:
                    self._answered()
            case [b"pong", _] | b"PONG" if self._on_pong is not None:
                self._on_pong()
                self._on_pong = None
            case Refusal():
                self._refusal = reply
                self._lost.set()
        return 0
