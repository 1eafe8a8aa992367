"""WebSocket (PROTOCOL §4, RFC 6455)."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from taskstatus.access import Caller
from taskstatus.conf import settings
from taskstatus.consumers.base import admit, check_pressure, is_pressed, relief, stop
from taskstatus.deadline import stream_seconds
from taskstatus.drain import get_drain
from taskstatus.exceptions import SlowReader, TaskStatusError
from taskstatus.feed import Feed, follow
from taskstatus.limits import connection_of
from taskstatus.messages import Message
from taskstatus.pressure import linger
from taskstatus.problems import BAD_REQUEST, FORBIDDEN, RESTARTING, problem_of
from taskstatus.requests import StreamRequest
from taskstatus.writer import Writer, in_time

__all__ = ["TaskStatusConsumer"]

logger = logging.getLogger(__name__)

ENDED = 1000
MAX_FRAME_BYTES = 4_096
#: What a slow client may take to read as far as the close.
SLOW_CLOSE_SECONDS = 30.0
HEARTBEAT = '{"type":"heartbeat"}'


class TaskStatusConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One connection, a text frame for each message, a close code that says why it ends.

    The connection is accepted before anything is decided: a browser can read the code of a close,
    but not the status of a refused handshake.
    """

    channel_layer_alias = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._closed = self._stuck = False
        self._following: asyncio.Task[None] | None = None
        self._serving: asyncio.Task[Any] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection; nothing that was taken for it outlives this call."""
        self._writer = Writer(scope.get("taskstatus.send", send))
        self._serving = asyncio.current_task()
        with get_drain():
            try:
                await super().__call__(scope, receive, send)
            except asyncio.CancelledError:
                if not self._stuck:
                    raise
            finally:
                self._closed = True
                self._writer.cancel()
                await stop(self._following)

    async def dispatch(self, message: Any) -> None:
        """Handle one ASGI message. Without Channels' database upkeep: no ORM is used here."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        """Accept, and begin to follow."""
        await self.accept()
        self._following = asyncio.create_task(self._follow())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Ignore a small JSON text; anything else is not for us."""
        if (
            text_data is None
            or len(text_data.encode()) > MAX_FRAME_BYTES
            or not _is_json(text_data)
        ):
            await self.close(BAD_REQUEST.close_code)

    async def websocket_disconnect(self, message: Any) -> None:
        """Stop: the connection is closed."""
        self._closed = True
        raise StopConsumer

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the connection, once."""
        if not self._closed:
            self._closed = True
            await super().close(code=code, reason=reason)

    async def _follow(self) -> None:
        try:
            code = await self._try_to_follow()
        except SlowReader as error:
            # A client that still reads, if slowly, is to come as far as the close.
            await relief(self.scope)
            linger(self.scope.get("taskstatus.send"), SLOW_CLOSE_SECONDS)
            code = problem_of(error).close_code
        except TaskStatusError as error:
            code = problem_of(error).close_code
        except Exception:
            logger.exception("A WebSocket for a task failed")
            code = RESTARTING.close_code
        try:
            await in_time(self.close(code))
        except SlowReader:
            # The server waits for the client, who reads nothing: returning makes it hang up.
            self._stuck = True
            if self._serving is not None:
                self._serving.cancel()

    async def _try_to_follow(self) -> int:
        request = StreamRequest.from_scope(self.scope)
        caller = await admit(self.scope, request)
        if caller is None:
            return FORBIDDEN.close_code
        stream = follow(
            request.task_id,
            after=request.after,
            types=request.types,
            patience=settings.RECONCILE_SECONDS,
        )
        with connection_of(caller):
            async with stream as feed:
                return await self._send_all(feed, request, caller)

    async def _send_all(self, feed: Feed, request: StreamRequest, caller: Caller) -> int:
        deadline = time.monotonic() + stream_seconds(caller)
        feed.write_through(self._write)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return RESTARTING.close_code
            messages = await feed.batch(min(left, settings.KEEPALIVE_SECONDS))
            await self._writer.drain()
            for message in messages:
                await self._send_text(message.json)
            check_pressure(self.scope)
            if feed.ended:
                return ENDED
            if not messages and request.heartbeat:
                await self._send_text(HEARTBEAT)

    def _write(self, message: Message) -> bool:
        if self._closed or is_pressed(self.scope):
            return False
        return self._writer.try_send({"type": "websocket.send", "text": message.json})

    async def _send_text(self, text: str) -> None:
        if not self._closed:
            await in_time(self.send(text))


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_not_json)
    except (ValueError, RecursionError):
        return False
    return True
