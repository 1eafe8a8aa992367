"""Long-poll of several tasks (PROTOCOL §10)."""

from __future__ import annotations

import asyncio

from taskstatus.batch import JSON
from taskstatus.consumers.bundle import Bundle, Item, open_bundle
from taskstatus.consumers.http import HttpConsumer
from taskstatus.consumers.pumps import Pumps
from taskstatus.exceptions import Restarting
from taskstatus.messages import encode
from taskstatus.position import REFUSED
from taskstatus.requests import BundleRequest

__all__ = ["BundleLongPollConsumer"]


class BundleLongPollConsumer(HttpConsumer):
    """Answers once: as soon as there is something to tell of any task, or all are over."""

    async def answer(self) -> None:
        """Answer 200 with messages and problems, or 204 when the wait is over."""
        request = BundleRequest.from_scope(self.scope)
        async with open_bundle(self.scope, request, wait=request.wait) as bundle:
            if bundle.refusal is None and not bundle.news:
                await self._listen(bundle, request.wait)
            if bundle.refusal is not None:
                await self.refuse(bundle.refusal)
                return
            if bundle.over and not bundle.news and "status" in request.types:
                # The end is told again to whoever asks, however often.
                for item in bundle.items:
                    feed = item.strand.feed
                    if feed is not None and feed.end is not None:
                        item.messages = [feed.end]
            if not bundle.news and not bundle.over:
                await self.send_nothing()
                return
            body = encode_bundle(bundle)
        await self.send_response(200, body, headers=JSON)

    async def _listen(self, bundle: Bundle, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds

        async def listen(item: Item) -> None:
            await bundle.find(item, seconds=deadline - loop.time())
            if item.strand.feed is not None and not item.news:
                item.messages = await item.strand.feed.batch(deadline - loop.time())

        async with Pumps() as pumps:
            for item in bundle.items:
                if not item.over:
                    pumps.start(listen(item))
            try:
                while pumps and not bundle.news and loop.time() < deadline:
                    await pumps.wait(deadline - loop.time())
            except Restarting:
                return  # no news; the next poll goes to another process


def encode_bundle(bundle: Bundle) -> bytes:
    """Return the body of a 200: the messages' own bytes, problems, and where to go on."""
    cursors: dict[str, str] = {}
    problems: list[str] = []
    for item in bundle.items:
        if item.problem is not None:
            problems.append(item.problem.message(item.task_id))
            bundle.position.move(item.index, REFUSED)
        elif item.strand.cursor is not None:
            cursors[item.task_id] = item.strand.cursor
            bundle.position.move(item.index, int(item.strand.cursor))
    messages = ",".join([message.json for item in bundle.items for message in item.messages])
    return (
        f'{{"messages":[{messages}],"cursor":"{bytes(bundle.position).decode()}"'
        f',"cursors":{encode(cursors)},"problems":[{",".join(problems)}]'
        f',"ready":{"true" if bundle.over else "false"}}}'
    ).encode()
