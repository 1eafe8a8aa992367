"""The end is explicit, is never lost, and stays."""

from __future__ import annotations

import pytest

from tests.harness.clients import End
from tests.harness.site import Site
from tests.harness.steps import (
    Step,
    failure,
    ignored,
    log,
    pending,
    progress,
    received,
    rejected,
    revoked,
    started,
    success,
)

CODES = {"websocket": 1000, "sse": 204, "longpoll": 200}
OUTCOMES = [success(), failure(), revoked(), rejected(), ignored()]
each_outcome = pytest.mark.parametrize("outcome", OUTCOMES, ids=[step.op for step in OUTCOMES])


@each_outcome
async def test_a_live_client_is_told_of_the_end(site: Site, transport: str, outcome: Step) -> None:
    """Each terminal state is ready, is the last message, and ends the stream in order."""
    task = await site.task(pending(), started())
    async with task.follow(transport) as client:
        assert not (await client.next()).ready
        await task.play(outcome)
        last = (await client.collect())[-1]
    assert last.state == outcome.state
    assert last["ready"] is True
    assert client.end is not None
    assert (client.end.reason, client.end.code) == (End.TERMINAL, CODES[transport])


@each_outcome
async def test_a_late_client_is_told_of_the_end(site: Site, transport: str, outcome: Step) -> None:
    """Who comes after the end gets the terminal state alone, and the end."""
    task = await site.task(pending(), started(), outcome)
    async with task.follow(transport) as client:
        messages = await client.collect(timeout=5)
    assert [message.state for message in messages] == [outcome.state]
    assert client.end is not None
    assert (client.end.reason, client.end.code) == (End.TERMINAL, CODES[transport])


async def test_a_task_that_never_began_can_end(site: Site, transport: str) -> None:
    """Revoked or failed before a worker had it, a task is over all the same."""
    task = await site.task(pending())
    async with task.follow(transport) as client:
        await client.next()
        await task.play(revoked("expired"))
        assert (await client.next()).state == "REVOKED"
        assert (await client.ended()).reason is End.TERMINAL


LATE = [progress(1, 2), log("late"), failure(), received(), pending(), revoked(), success("twice")]


@pytest.mark.parametrize("late", LATE, ids=[step.op for step in LATE])
async def test_nothing_follows_success(site: Site, transport: str, late: Step) -> None:
    """A late or duplicate signal never turns SUCCESS into anything else, nor adds to it."""
    task = await site.task(pending(), started(), success("once"))
    async with task.follow(transport, types="status,log") as client:
        terminal = (await client.collect())[-1]
    await task.play(late)
    async with task.follow(transport, types="status,log") as client:
        assert [message.raw for message in await client.collect()] == [terminal.raw]
    async with task.follow(transport, types="status,log", after=terminal.cursor) as client:
        assert [message.raw for message in await client.collect()] in ([], [terminal.raw])


@pytest.mark.parametrize("late", [progress(1, 2), log("late"), received(), pending()])
async def test_only_a_new_start_follows_failure(site: Site, transport: str, late: Step) -> None:
    """What is left over of a failed run changes nothing."""
    task = await site.task(pending(), started(), failure())
    async with task.follow(transport) as client:
        terminal = (await client.collect())[-1]
    await task.play(late)
    async with task.follow(transport) as client:
        assert [message.raw for message in await client.collect()] == [terminal.raw]


@pytest.mark.parametrize("outcome", [failure(), revoked()], ids=["failure", "revoked"])
async def test_a_new_run_may_follow_failure(site: Site, transport: str, outcome: Step) -> None:
    """A task that is run again is a new STARTED with a higher version, on the same stream."""
    task = await site.task(pending(), started(), outcome)
    async with task.follow(transport) as client:
        terminal = (await client.collect())[-1]
    await task.play(started(), success("at last"))
    again = await site.task(task_id=task.id)
    async with again.follow(transport) as client:
        last = (await client.collect())[-1]
    assert last.state in {terminal.state, "SUCCESS"}
    assert last.version is not None
    assert terminal.version is not None
    if last.state == "SUCCESS":
        assert last.version > terminal.version
        assert last["error"] is None
        async with task.follow(transport, after=terminal.cursor) as client:
            assert [message.state for message in await client.collect()] == ["STARTED", "SUCCESS"]


async def test_the_end_is_told_although_its_message_was_lost(
    redis_site: Site, transport: str
) -> None:
    """With every message of the channel layer gone, a client has the end in RECONCILE_SECONDS."""
    assert redis_site.mute is not None
    task = await redis_site.task(pending(), started())
    async with task.follow(transport) as client:
        await client.next()
        await task.play(progress(1, 2), log("unheard"), success("heard"), server=redis_site.mute)
        last = await client.until("SUCCESS", timeout=5)
        assert last["result"] == "heard"
        assert (await client.ended()).reason is End.TERMINAL


async def test_a_lost_message_leaves_no_hole(redis_site: Site, transport: str) -> None:
    """The message after a lost one shows the gap, which is filled before it is told."""
    assert redis_site.mute is not None
    life = [pending(), log("lost"), received(), started(), log("heard"), success()]
    task = await redis_site.task(life[0])
    async with task.follow(transport, types="status,log") as client:
        await client.next()
        await task.play(*life[1:3], server=redis_site.mute)
        await task.play(*life[3:])
        messages = await client.collect()
    told = [message.state or message["message"] for message in messages]
    assert told == ["PENDING", "lost", "RECEIVED", "STARTED", "heard", "SUCCESS"]
