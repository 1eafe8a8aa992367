"""HTTP long-poll: what is new as soon as there is something (PROTOCOL §6)."""

from __future__ import annotations

from collections.abc import Sequence

from taskstatus.access import Caller
from taskstatus.conf import settings
from taskstatus.consumers.base import TaskHttpConsumer
from taskstatus.exceptions import Restarting
from taskstatus.feed import follow
from taskstatus.messages import Message
from taskstatus.requests import StreamRequest

__all__ = ["LongPollConsumer"]

_NO_STORE = (b"cache-control", b"no-store")
_JSON = [(b"content-type", b"application/json"), _NO_STORE]


class LongPollConsumer(TaskHttpConsumer):
    """Answers once: at once without a cursor or after the end, else when something comes."""

    async def respond(self, request: StreamRequest, caller: Caller) -> None:
        """Answer 200 with messages, or 204 when the wait is over."""
        patience = min(request.wait, settings.RECONCILE_SECONDS)
        stream = follow(
            request.task_id, after=request.after, types=request.types, patience=patience
        )
        async with stream as feed:
            try:
                messages = await feed.batch(request.wait)
            except Restarting:
                messages = []  # no news; the next poll goes to another process
            if not messages and feed.ended:
                # The end is told again to whoever asks, however often.
                messages = [feed.status] if "status" in request.types else []
            elif not messages:
                await self.send_response(204, b"", headers=[_NO_STORE])
                return
            body = encode_batch(messages, cursor=feed.cursor, ready=feed.ended)
        await self.send_response(200, body, headers=_JSON)


def encode_batch(messages: Sequence[Message], *, cursor: str, ready: bool) -> bytes:
    """Return the body of a 200: the messages' own bytes, and where to go on."""
    inner = ",".join(message.json for message in messages)
    flag = "true" if ready else "false"
    return f'{{"messages":[{inner}],"cursor":"{cursor}","ready":{flag}}}'.encode()
