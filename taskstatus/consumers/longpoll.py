"""HTTP long-poll: what is new as soon as there is something (PROTOCOL §6)."""

from __future__ import annotations

from taskstatus.batch import JSON
from taskstatus.consumers.http import HttpConsumer
from taskstatus.consumers.single import caller_of, open_feed
from taskstatus.exceptions import Restarting
from taskstatus.limits import Counted
from taskstatus.requests import StreamRequest

__all__ = ["LongPollConsumer"]


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
                body = feed.body(messages)
        if body is None:
            await self.send_nothing()
        else:
            await self.send_response(200, body, headers=JSON)
