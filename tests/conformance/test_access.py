"""Closed by default: a token, the owner's session, or the permission opens a task's stream."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.refusals import end_of
from tests.harness.clients import TRANSPORTS, End, StreamEnded
from tests.harness.enqueueing import enqueue
from tests.harness.steps import pending
from tests.harness.visitor import log_in

if TYPE_CHECKING:
    from tests.harness.site import DrivenTask, Site

HTTP_TRANSPORTS = [transport for transport in TRANSPORTS if transport != "websocket"]


async def may_read(task: DrivenTask, transport: str, **options: Any) -> bool:
    """Return whether a client gets the first message; otherwise it is refused in order."""
    async with task.follow(transport, **options) as client:
        try:
            await client.next()
        except StreamEnded as stop:
            ended = stop.ended
        else:
            return True
    assert ended.reason is End.FORBIDDEN
    return False


async def test_a_stranger_is_refused(site: Site, transport: str) -> None:
    """With neither token nor session nothing can be read."""
    task = await site.task(pending())
    await end_of(task.follow(transport, token=None), End.FORBIDDEN)


@pytest.mark.parametrize(
    "token", ["", "x", "a:b:c", "1" * 5_000, "é", "\x00", "a b", "null", "eyJ0IjoxfQ:1:2"]
)
async def test_a_made_up_token_is_refused(site: Site, transport: str, token: str) -> None:
    """What is no token of ours opens nothing, and breaks nothing."""
    task = await site.task(pending())
    await end_of(task.follow(transport, token=token), End.FORBIDDEN)


async def test_a_token_of_another_task_is_refused(site: Site, transport: str) -> None:
    """A token is good for one task alone."""
    task, other = await site.task(pending()), await site.task(pending())
    await end_of(task.follow(transport, token=other.token), End.FORBIDDEN)


async def test_a_token_that_was_changed_is_refused(site: Site, transport: str) -> None:
    """The signature covers the whole token."""
    task = await site.task(pending())
    for position in (0, len(task.token) // 2, len(task.token) - 1):
        letter = "A" if task.token[position] != "A" else "B"
        changed = task.token[:position] + letter + task.token[position + 1 :]
        await end_of(task.follow(transport, token=changed), End.FORBIDDEN)


async def test_a_token_expires(site: Site, transport: str) -> None:
    """After its max_age a token opens nothing any more."""
    task = await site.task(pending())
    token = await task.new_token(max_age=0.5)
    for _ in range(40):
        if not await may_read(task, transport, token=token):
            return
        await asyncio.sleep(0.1)  # no event tells that its time is over
    pytest.fail("the token is still good")


async def test_a_token_of_either_scope_may_read(site: Site, transport: str) -> None:
    """The scope read+cancel holds read."""
    task = await site.task(pending())
    for scope in ("read", "read+cancel"):
        token = await task.new_token(scope=scope)
        assert await may_read(task, transport, token=token)


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_a_token_may_come_as_a_bearer(site: Site, transport: str) -> None:
    """Authorization: Bearer is as good as the parameter, and as closely looked at."""
    task = await site.task(pending())
    bearer = {"Authorization": f"Bearer {task.token}"}
    assert await may_read(task, transport, token=None, headers=bearer)
    wrong = [{"Authorization": value} for value in ("Bearer x", "Bearer", f"Basic {task.token}")]
    for headers in wrong:
        assert not await may_read(task, transport, token=None, headers=headers)


async def test_the_owner_may_read(site: Site, transport: str) -> None:
    """The user of the request during which a task was enqueued needs no token."""
    server = site.server(0)
    owner, other = await log_in(server), await log_in(server)
    enqueued = await enqueue(server.url, "tests.add", 1, 2, cookies=owner.cookies, queue="nobody")
    task = await site.task(task_id=enqueued.task_id)
    assert await may_read(task, transport, token=None, headers=owner.headers)
    assert not await may_read(task, transport, token=None, headers=other.headers)
    assert not await may_read(task, transport, token=None)


async def test_an_owner_named_by_hand_may_read(site: Site, transport: str) -> None:
    """The owner is a user's primary key."""
    owner, other = await log_in(site.server(0)), await log_in(site.server(0))
    task = await site.task(pending(), owner=owner.user_id)
    assert await may_read(task, transport, token=None, headers=owner.headers)
    assert not await may_read(task, transport, token=None, headers=other.headers)


async def test_nobody_owns_a_task_without_an_owner(site: Site, transport: str) -> None:
    """A task that was enqueued outside of any request is no visitor's."""
    visitor = await log_in(site.server(0))
    task = await site.task(pending())
    assert not await may_read(task, transport, token=None, headers=visitor.headers)


async def test_the_permission_opens_every_task(site: Site, transport: str) -> None:
    """Who has taskstatus.view_taskstatus may read all streams."""
    staff = await log_in(site.server(0), permission="view_taskstatus")
    task = await site.task(pending())
    assert await may_read(task, transport, token=None, headers=staff.headers)


async def test_a_session_does_not_help_a_stranger_to_learn_what_there_is(
    site: Site, transport: str
) -> None:
    """A visitor without access is refused whether or not the task exists."""
    visitor = await log_in(site.server(0))
    for steps in ([pending()], []):
        task = await site.task(*steps)
        client = task.follow(transport, token=None, headers=visitor.headers)
        await end_of(client, End.FORBIDDEN)


async def test_a_made_up_session_is_refused(site: Site, transport: str) -> None:
    """A cookie that is no session of ours is no session."""
    task = await site.task(pending())
    for cookie in ("sessionid=x", "sessionid=é", "=;;="):
        await end_of(task.follow(transport, token=None, headers={"Cookie": cookie}), End.FORBIDDEN)
