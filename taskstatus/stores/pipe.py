"""One connection to Redis for an event loop that asks much: commands go out together, and one read
brings all answers that have come.

redis-py makes the connection, with all that a URL may ask for. Past that it takes a task switch,
two timeouts and a parser of coroutines for each answer, which is most of what reading a task costs.
This depends on one attribute of redis-py's connection, as ``pubsub`` does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import redis

from taskstatus.cancellation import heeded, stop
from taskstatus.resp import Push, Replies

__all__ = ["Pipe"]


class _Call:
    """Commands that were sent together, and what has been answered to them."""

    __slots__ = ("answers", "count", "done")

    def __init__(self, count: int, done: asyncio.Future[None]) -> None:
        self.count = count
        self.answers: list[Any] = []
        self.done = done


class Pipe(asyncio.Protocol):
    """Belongs to one event loop. The connection is made on first use, and anew once it is lost."""

    def __init__(self, pool: Any, *, seconds: float) -> None:
        self._pool = pool
        self._seconds = seconds
        self._opening: asyncio.Task[None] | None = None
        self._connection: Any = None
        self._transport: asyncio.Transport | None = None
        self._replies = Replies(text=True)
        self._calls: deque[_Call] = deque()

    async def call(self, commands: Sequence[bytes]) -> list[Any]:
        """Return the answers to packed commands, in their order; a refusal is one of them.

        What meets a lost connection is sent once more, so it must be harmless to repeat.
        Cancel-safe. Raises redis.ConnectionError and redis.TimeoutError.
        """
        if not commands:
            return []
        try:
            return await self._call(commands)
        except redis.ConnectionError:
            return await self._call(commands)

    async def _call(self, commands: Sequence[bytes]) -> list[Any]:
        transport = self._transport or await self._open()
        loop = asyncio.get_running_loop()
        call = _Call(len(commands), loop.create_future())
        self._calls.append(call)
        transport.write(b"".join(commands))
        timer = loop.call_later(self._seconds, self._time_out, call)
        try:
            await call.done
        finally:
            timer.cancel()
        return call.answers

    def _time_out(self, call: _Call) -> None:
        # A loop that was busy may have read the answer and run the timer in one turn.
        if not call.done.done():
            self._lose(redis.TimeoutError("No answer in time"))

    async def _open(self) -> asyncio.Transport:
        """Return the connection, which is made once for all who need it; so is an error."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._connect())
            self._opening.add_done_callback(self._opened)
        await asyncio.shield(self._opening)
        if self._transport is None:
            raise redis.ConnectionError("The connection was lost at once")
        return self._transport

    def _opened(self, opening: asyncio.Task[None]) -> None:
        self._opening = None
        if not opening.cancelled():
            opening.exception()  # whoever needed it may have gone

    async def _connect(self) -> None:
        await self._drop()
        connection = self._connection = self._pool.make_connection()
        with heeded():
            await connection.connect()
        self._replies = Replies(text=True)
        transport = connection._writer.transport
        transport.set_protocol(self)
        # Lost before? Then somebody else was told.
        self._transport = None if transport.is_closing() else transport

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._replies.feed(data)
        for reply in self._replies:
            # What Redis says unasked is no answer.
            if self._calls and not isinstance(reply, Push):
                call = self._calls[0]
                call.answers.append(reply)
                if len(call.answers) == call.count:
                    self._calls.popleft()
                    if not call.done.done():
                        call.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._lose(redis.ConnectionError("The connection was lost"))

    def _lose(self, error: Exception) -> None:
        """Give the connection up; who waits for an answer is told why."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        calls, self._calls = self._calls, deque()
        for call in calls:
            if not call.done.done():
                call.done.set_exception(error)

    async def aclose(self) -> None:
        """Close the connection; it comes back when it is needed."""
        self._lose(redis.ConnectionError("The connection was closed"))
        if self._opening is not None:
            await stop(self._opening)
        await self._drop()
