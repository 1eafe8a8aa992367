"""A task is asked to stop, before it begins and while it runs."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.harness.clients import TRANSPORTS
from tests.harness.clients.http import http_client
from tests.harness.enqueueing import enqueue
from tests.harness.site import post
from tests.harness.steps import pending, success

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.following import Follow
    from tests.harness.servers import Server
    from tests.harness.site import Site
    from tests.harness.worker import Worker


async def cancelling_token(server: Server, task_id: str) -> str:
    """Return a token that lets its holder read and stop a task."""
    order = {"task_id": task_id, "token": {"scope": "read+cancel"}}
    return str((await post(server.url, "/drive/", order))["token"])


async def ask(server: Server, task_id: str, token: str) -> tuple[int, str]:
    """Ask a task to stop; return the HTTP status and, of a problem, its code."""
    async with http_client(server.url) as client:
        response = await client.post(
            f"/task_status/{task_id}/cancel/", headers={"Authorization": f"Bearer {token}".strip()}
        )
    return response.status_code, response.json().get("code", "")


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo", "gevent"])
async def test_a_running_task_stops_at_its_next_step(
    pool: str,
    server: Server,
    start_worker: Callable[..., Worker],
    environment_of: Callable[[Layer], Environment],
    follow_everywhere: Follow,
) -> None:
    """track() raises Cancelled, and everybody sees REVOKED; asking twice does no harm."""
    environment = environment_of("pubsub")
    queue = f"cancel-{pool}"
    start_worker(environment, name=queue, pool=pool, arguments=[f"--queues={queue}"])
    task = await enqueue(server.url, "tests.count", 10**9, queue=queue)
    token = await cancelling_token(server, task.task_id)
    running = asyncio.Event()

    async def stop_it() -> None:
        async with TRANSPORTS["websocket"](server.url, task.task_id, token=token) as client:
            await client.until("PROGRESS", 20)
        running.set()
        assert await ask(server, task.task_id, token) == (202, "")
        assert (await ask(server, task.task_id, token))[0] in {202, 409}

    async with asyncio.timeout(40), asyncio.TaskGroup() as group:
        following = group.create_task(follow_everywhere(task.task_id, task.token))
        group.create_task(stop_it())
    for transport, seen in following.result().items():
        assert seen.states[-2:] == ["PROGRESS", "REVOKED"], transport
        assert seen.last["error"] == "cancelled"
    assert await ask(server, task.task_id, token) == (409, "already_finished")


async def test_a_task_that_has_not_begun_never_does(
    server: Server, worker: Worker, follow_everywhere: Follow
) -> None:
    """It is revoked in its queue."""
    task = await enqueue(
        server.url, "tests.wait", uuid.uuid4().hex, queue=worker.queue, countdown=3
    )
    token = await cancelling_token(server, task.task_id)
    assert (await ask(server, task.task_id, token))[0] == 202
    for seen in (await follow_everywhere(task.task_id, task.token)).values():
        assert "STARTED" not in seen.states
        assert seen.states[-1] == "REVOKED"


async def test_a_token_to_read_does_not_stop_a_task(
    server: Server, site_on: Callable[[Layer], Site]
) -> None:
    """Nor does none, or another task's; and none of them tells whether the task is there."""
    task = await site_on("pubsub").task(pending())
    other = await site_on("pubsub").task(pending())
    for token in (task.token, "", await cancelling_token(server, other.id)):
        for task_id in (task.id, str(uuid.uuid4())):
            assert await ask(server, task_id, token) == (403, "forbidden")
    unknown = str(uuid.uuid4())
    token = await cancelling_token(server, unknown)
    assert await ask(server, unknown, token) == (404, "unknown_task")
    await task.play(success(1))
    token = await cancelling_token(server, task.id)
    assert await ask(server, task.id, token) == (409, "already_finished")


async def test_a_session_needs_the_csrf_token_to_stop_a_task(
    server: Server, site_on: Callable[[Layer], Site]
) -> None:
    """A page elsewhere can make a browser send its cookies, but not know what they go with."""
    async with http_client(server.url) as client:
        owner = (await client.get("/login/", params={"user": "canceller"})).json()
        task = await site_on("pubsub").task(pending(), owner=str(owner["user_id"]))
        path = f"/task_status/{task.id}/cancel/"
        assert (await client.post(path)).status_code == 403
        secret = "a" * 32
        client.cookies.set("csrftoken", secret)
        allowed = await client.post(path, headers={"X-CSRFToken": secret})
        assert allowed.status_code == 202
