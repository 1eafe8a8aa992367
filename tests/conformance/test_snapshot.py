"""The first message of a connection is the current state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.clients import TRANSPORTS, End
from tests.harness.steps import failure, log, pending, progress, received, started, success

if TYPE_CHECKING:
    from tests.harness.site import Site
    from tests.harness.steps import Step

LIVES = {
    "PENDING": [pending()],
    "RECEIVED": [pending(), received()],
    "STARTED": [pending(), received(), started()],
    "PROGRESS": [pending(), started(), progress(1, 10), progress(2, 10)],
    "FAILURE": [pending(), started(), failure()],
    "SUCCESS": [pending(), started(), progress(1, 10), success(3)],
}


@pytest.mark.parametrize(("state", "life"), LIVES.items(), ids=list(LIVES))
async def test_a_late_client_starts_with_the_current_state(
    site: Site, transport: str, state: str, life: list[Step]
) -> None:
    """Whatever came before, a connection without a cursor begins with the newest status."""
    task = await site.task(*life)
    async with task.follow(transport) as client:
        first = await client.next()
    assert first.state == state
    assert not first.reset


async def test_a_client_on_the_process_that_publishes_starts_with_the_current_state(
    site: Site, transport: str
) -> None:
    """A snapshot is the same where the task is driven and elsewhere."""
    task = await site.task(pending(), started())
    async with task.follow(transport, server=0) as here, task.follow(transport) as there:
        assert (await here.next()).raw == (await there.next()).raw


async def test_what_follows_the_snapshot_is_live(site: Site, transport: str) -> None:
    """After the snapshot each new state comes as it is published."""
    task = await site.task(pending())
    async with task.follow(transport) as client:
        assert (await client.next()).state == "PENDING"
        for step in (received(), started(), success()):
            await task.play(step)
            assert (await client.next()).state == step.state
        assert (await client.ended()).reason is End.TERMINAL


async def test_log_lines_before_the_snapshot_are_not_told(site: Site, transport: str) -> None:
    """Without a cursor the history is left out, also for those who ask for log lines."""
    task = await site.task(pending(), started(), log("old"), progress(1, 2))
    async with task.follow(transport, types="status,log") as client:
        assert (await client.next()).state == "PROGRESS"
        await task.play(log("new"))
        assert (await client.next())["message"] == "new"


async def test_log_lines_after_the_snapshot_come_with_it(site: Site, transport: str) -> None:
    """Lines that are newer than the current status are no history."""
    task = await site.task(pending(), started(), log("one"), log("two"))
    async with task.follow(transport, types="status,log") as client:
        told = [await client.next() for _ in range(3)]
    assert [message.type for message in told] == ["status", "log", "log"]
    assert [message["message"] for message in told[1:]] == ["one", "two"]


async def test_many_clients_of_one_task_see_the_same(site: Site) -> None:
    """Clients that join one after another, on all transports, all come to the same end."""
    task = await site.task(pending())
    clients = [task.follow(transport, server=index) for index in (0, 1) for transport in TRANSPORTS]
    try:
        for client in clients:
            await client.__aenter__()
            await client.next()
        await task.play(started(), success("all"))
        for client in clients:
            assert (await client.collect())[-1]["result"] == "all"
            assert client.states == ["PENDING", "STARTED", "SUCCESS"]
    finally:
        for client in clients:
            await client.__aexit__(None, None, None)


async def test_two_tasks_on_one_server_do_not_meet(site: Site, transport: str) -> None:
    """A client gets nothing of any task but its own."""
    one, other = await site.task(pending()), await site.task(pending())
    async with one.follow(transport) as client, other.follow(transport) as bystander:
        await client.next()
        await bystander.next()
        await one.play(started(), success(1))
        await other.play(started(), success(2))
        assert (await client.collect())[-1]["result"] == 1
        assert (await bystander.collect())[-1]["result"] == 2
