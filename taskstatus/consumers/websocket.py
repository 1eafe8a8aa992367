"""WebSocket (PROTOCOL §4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from taskstatus.conf import settings
from taskstatus.consumers.single import caller_of, open_feed
from taskstatus.consumers.socket import ENDED, HEARTBEAT, SocketConsumer, text_frame
from taskstatus.deadline import Deadline
from taskstatus.exceptions import BadRequest
from taskstatus.frames import parse_json
from taskstatus.limits import Counted
from taskstatus.messages import Message
from taskstatus.problems import BAD_REQUEST, RESTARTING
from taskstatus.requests import StreamRequest

__all__ = ["TaskStatusConsumer"]


class TaskStatusConsumer(SocketConsumer):
    """One task, from its snapshot to its end."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Ignore a small JSON text; anything else is not for us."""
        try:
            parse_json(text_data)
        except BadRequest:
            await self.close(BAD_REQUEST.close_code)

    async def serve(self) -> int:
        """Send messages until the task's end."""
        request = StreamRequest.from_scope(self.scope)
        caller = await caller_of(self.scope, request)
        with Counted(caller):
            async with open_feed(request) as feed:
                deadline = Deadline(caller, request.task_id)
                heartbeat = request.heartbeat
                del request  # held for as long as the stream lasts otherwise
                write = self.writer()
                feed.write_through(write)
                while True:
                    left = await deadline.left()
                    if left <= 0:
                        return RESTARTING.close_code
                    # The server's pings keep the connection: without heartbeats to send there is
                    # nothing to wake up for.
                    lull = settings.KEEPALIVE_SECONDS if heartbeat else math.inf
                    some = await self._send_all(await feed.batch(min(left, lull)), write)
                    if feed.ended:
                        return ENDED
                    if not some and heartbeat:
                        await self.outlet.send(HEARTBEAT)

    async def _send_all(
        self, messages: Sequence[Message], write: Callable[[Message], bool]
    ) -> bool:
        """Send messages, which are not held any longer then; return whether there were some."""
        await self.outlet.drain()
        for message in messages:
            if not write(message):
                await self.outlet.send(text_frame(message.json))
        await self.outlet.drain()
        self.outlet.check()
        return bool(messages)
