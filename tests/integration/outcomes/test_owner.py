"""Who may read a task: the user during whose request it was enqueued, and no other."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, Any

import celery
import pytest
from celery import Signature

from tests.harness.clients import TRANSPORTS, End, StreamEnded
from tests.harness.clients.http import http_client
from tests.harness.environment import Environment
from tests.harness.servers import start_daphne
from tests.harness.site import post

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Layer
    from tests.harness.processes import Processes
    from tests.harness.servers import Server

each_view = pytest.mark.parametrize("view", ["/enqueue/", "/aenqueue/"], ids=["sync", "async"])


class AsyncEnvironment(Environment):
    """An environment of the test project with an asynchronous view besides."""

    def variables(self) -> dict[str, str]:
        """Return the environment variables."""
        return Environment.variables(self) | {
            "DJANGO_SETTINGS_MODULE": "tests.integration.outcomes.settings"
        }


@pytest.fixture(scope="module")
def site(processes: Processes, environment_of: Callable[[Layer], Environment]) -> Server:
    """Return a server with an asynchronous view."""
    given = environment_of("pubsub")
    environment = AsyncEnvironment(
        layer=given.layer, redis_url=given.redis_url, database=given.database
    )
    return start_daphne(processes, environment, name="async-views")


async def log_in(server: Server) -> dict[str, str]:
    """Return the header that brings along the session of a new user."""
    async with http_client(server.url) as client:
        response = await client.get("/login/", params={"user": f"user-{uuid.uuid4().hex[:12]}"})
        assert response.status_code == 200, response.text
        cookies = "; ".join(f"{key}={value}" for key, value in client.cookies.items())
    return {"Cookie": cookies}


async def may_read(server: Server, task_id: str, headers: dict[str, str]) -> set[bool]:
    """Return the answers of all transports, which are one."""
    answers = set()
    for client in TRANSPORTS.values():
        async with client(server.url, task_id, headers=headers) as stream:
            with contextlib.suppress(StreamEnded):
                await stream.next()
            assert stream.end is None or stream.end.reason is End.FORBIDDEN
            answers.add(stream.end is None)
    return answers


@each_view
async def test_the_session_that_enqueued_a_task_may_read_it(site: Server, view: str) -> None:
    """The owner may, with the session alone; another user may not, nor may a stranger."""
    owner, other = await log_in(site), await log_in(site)
    order = {"task": "outcomes.answer", "options": {"queue": "nobody"}}
    task_id = (await post(site.url, view, order, headers=owner))["task_id"]
    assert await may_read(site, task_id, owner) == {True}
    assert await may_read(site, task_id, other) == {False}
    assert await may_read(site, task_id, {}) == {False}


@each_view
async def test_a_task_without_a_user_is_nobodys(site: Server, view: str) -> None:
    """What was enqueued without a session can be read with a token only."""
    order = {"task": "outcomes.answer", "options": {"queue": "nobody"}}
    task_id = (await post(site.url, view, order))["task_id"]
    assert await may_read(site, task_id, await log_in(site)) == {False}


@each_view
async def test_the_tasks_of_a_chain_have_one_owner(site: Server, view: str) -> None:
    """The task whose id the caller gets is the last one, which a worker enqueues later."""
    owner, other = await log_in(site), await log_in(site)
    tasks: list[Signature[Any]] = [
        Signature("outcomes.answer", options={"queue": "nobody"}, immutable=True) for _ in range(2)
    ]
    order = {"signature": celery.chain(*tasks)}
    task_id = (await post(site.url, view, order, headers=owner))["task_id"]
    assert await may_read(site, task_id, owner) == {True}
    assert await may_read(site, task_id, other) == {False}
