"""What happens to a connection for several tasks when a server stops, or the layer is mute."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from tests.harness.clients.bundle import BundleLongPollClient, BundleSseClient
from tests.harness.clients.http import http_client
from tests.harness.servers import start_daphne
from tests.harness.site import Site
from tests.harness.steps import pending, started, success

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes


async def test_stopping_server_asks_all_to_come_back(
    site: Site, processes: Processes, environment_of: Callable[[Layer], Environment]
) -> None:
    """Within seconds; a WebSocket that follows nothing yet, too. Nobody misses anything."""
    dying = Site(
        layer="pubsub", servers=(start_daphne(processes, environment_of("pubsub"), name="dying"),)
    )
    tasks = [await site.task(pending()) for _ in range(20)]
    async with contextlib.AsyncExitStack() as stack:
        empty = await stack.enter_async_context(dying.follow("websocket"))
        socket = await stack.enter_async_context(dying.follow("websocket", *tasks))
        events = await stack.enter_async_context(dying.follow("sse", *tasks))
        poll = await stack.enter_async_context(dying.follow("longpoll", *tasks))
        for client in (socket, events, poll):
            await client.first()
        assert isinstance(events, BundleSseClient)
        assert isinstance(poll, BundleLongPollClient)
        path = dying.follow("longpoll", *tasks, after=poll.position).path
        http = await stack.enter_async_context(http_client(dying.server(0).url))
        waiting = asyncio.create_task(http.get(path))
        # One that is answered at once has reached the server after the one that waits.
        assert (await http.get(f"{path}&wait=0")).status_code == 204
        began = time.monotonic()
        os.kill(dying.server(0).process.pid, signal.SIGTERM)
        ends = await asyncio.gather(empty.ended(), socket.ended(), events.ended())
        assert (await waiting).status_code == 204
        assert time.monotonic() - began < 5
    assert [end.code for end in ends] == [4412, 4412, 200]
    for task in tasks:
        await task.play(started(), success())
    async with site.follow("sse", *tasks, after=events.position) as again:
        await again.settled()
    assert {task.id: again.told(task.id) for task in tasks} == {
        task.id: ["STARTED", "SUCCESS"] for task in tasks
    }


async def test_what_the_layer_loses_is_found_again(site: Site, transport: str) -> None:
    """Each task is compared with the store by itself."""
    assert site.mute is not None
    tasks = [await site.task(pending()) for _ in range(3)]
    async with site.follow(transport, *tasks) as client:
        await client.first()
        for task in tasks:
            await task.play(started(), success(), server=site.mute)
        await client.settled()
    assert [client.told(task.id)[-1] for task in tasks] == ["SUCCESS"] * 3
