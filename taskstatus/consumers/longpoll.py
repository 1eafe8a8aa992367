"""HTTP long-poll: what is new as soon as there is something (PROTOCOL §6)."""

from __future__ import annotations

from taskstatus.batch import JSON
from taskstatus.consumers.http import HttpConsumer
from taskstatus.consumers.single import caller_of, open_feed
from taskstatus.exceptions import Restarting
from taskstatus.keepalive import take_over, waited_seconds
from taskstatus.limits import Counted
from taskstatus.requests import StreamRequest

__all__ = ["LongPollConsumer"]


class LongPollConsumer(HttpConsumer):
    """Answers once: at once without a cursor or after the end, else when something comes.

    Where the server is uvicorn, the polls that follow on the same connection mostly don't come
    here (``keepalive.py``).
    """

    async def answer(self) -> None:
        """Answer 200 with messages, or 204 when the wait is over."""
        request = StreamRequest.from_scope(self.scope)
        caller = await caller_of(self.scope, request)
        with Counted(caller):
            async with open_feed(request, wait=request.wait) as feed:
                try:
                    messages = await feed.batch(request.wait - waited_seconds(self.scope))
                except Restarting:
                    messages = []  # no news; the next poll goes to another process
                body = feed.body(messages)
        if body is None:
            await self.send_nothing()
        else:
            await self.send_response(200, body, headers=JSON)
        take_over(self.scope, request=request, caller=caller)
