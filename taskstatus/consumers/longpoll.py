"""HTTP long-poll: what is new as soon as there is something (PROTOCOL §6)."""

from __future__ import annotations

from collections.abc import Sequence

from taskstatus.consumers.http import NO_STORE, HttpConsumer
from taskstatus.consumers.single import caller_of, open_feed
from taskstatus.exceptions import Restarting
from taskstatus.limits import Counted
from taskstatus.messages import Message
from taskstatus.requests import StreamRequest

__all__ = ["JSON", "LongPollConsumer"]

JSON = [(b"content-type", b"application/json"), NO_STORE]


class LongPollConsumer(HttpConsumer):
    """Answers once: at once without a cursor or after the end, else when something comes."""

    async def answer(self) -> None:
        """Answer 200 with messages, or 204 when the wait is over."""
        request = StreamRequest.from_scope(self.scope)
        with Counted(await caller_of(self.scope, request)):
            async with open_feed(request, wait=request.wait) as feed:
                try:
                    messages = await feed.batch(request.wait)
                except Restarting:
                    messages = []  # no news; the next poll goes to another process
                if not messages and feed.ended and feed.end is not None:
                    # The end is told again to whoever asks, however often.
                    messages = [feed.end] if "status" in request.types else []
                elif not messages:
                    await self.send_nothing()
                    return
                body = encode_batch(messages, cursor=feed.cursor, ready=feed.ended)
        await self.send_response(200, body, headers=JSON)


def encode_batch(messages: Sequence[Message], *, cursor: str, ready: bool) -> bytes:
    """Return the body of a 200: the messages' own bytes, and where to go on."""
    inner = ",".join(message.json for message in messages)
    flag = "true" if ready else "false"
    return f'{{"messages":[{inner}],"cursor":"{cursor}","ready":{flag}}}'.encode()
