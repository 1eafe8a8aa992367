"""Strictly increasing versions, no repeat, nothing out of order, nothing but PROGRESS left out."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from hypothesis import given, strategies

from tests.conformance.lives import FIXTURES_ARE_SHARED, lives
from tests.harness.clients import TRANSPORTS, End
from tests.harness.steps import (
    custom,
    faithful,
    log,
    pending,
    progress,
    received,
    retry,
    started,
    success,
)

if TYPE_CHECKING:
    from tests.harness.site import Site
    from tests.harness.steps import Step


@FIXTURES_ARE_SHARED
@given(life=lives(), types=strategies.sampled_from(["status", "log", "status,log"]))
async def test_any_life_is_told_faithfully(site: Site, life: list[Step], types: str) -> None:
    """Whatever a task lives through, every client is told of it in order, on each transport."""
    task = await site.task(life[0])
    cursor = (await task.snapshot()).json()["cursor"]
    clients = [task.follow(transport, types=types, after=cursor) for transport in TRANSPORTS]
    async with contextlib.AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(client)
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.collect(timeout=20))
            for step in life[1:]:
                await task.play(step)
    for client in clients:
        faithful(client.messages, life[1:], types=types)
        assert client.end is not None
        assert client.end.reason is End.TERMINAL


async def test_each_state_of_a_life_is_told(site: Site, transport: str) -> None:
    """No state stands for another: PENDING, RECEIVED, STARTED, RETRY and a task's own included."""
    life = [
        *(pending(), received(), started(), custom("PARSING"), custom("CHECKING"), retry()),
        *(received(), started(), retry(), received(), started(), success()),
    ]
    task = await site.task(life[0])
    async with task.follow(transport) as client:
        await client.next()
        await task.play(*life[1:])
        faithful(await client.collect(), life)


async def test_a_burst_of_log_lines_arrives_whole_and_in_order(site: Site, transport: str) -> None:
    """Log lines are never conflated, however fast they come."""
    lines = [log(f"line {number}") for number in range(45)]
    life = [pending(), started(), *lines, success()]
    task = await site.task(life[0])
    async with task.follow(transport, types="status,log") as client:
        await client.next()
        await task.play(*life[1:])
        faithful(await client.collect(), life, types="status,log")


async def test_a_burst_of_progress_ends_with_the_newest(site: Site, transport: str) -> None:
    """Intermediate progress may be left out; the newest is told although nothing follows it."""
    task = await site.task(pending(), started())
    async with task.follow(transport) as client:
        await client.next()
        await task.play(*(progress(current, 200) for current in range(1, 201)))
        while (await client.next())["progress"]["current"] < 200:
            pass
    currents = [message["progress"]["current"] for message in client.messages[1:]]
    assert currents == sorted(set(currents))


async def test_the_same_progress_on_either_side_of_a_line_keeps_its_place(
    site: Site, transport: str
) -> None:
    """A log line is told between the states that it was written between."""
    life = [pending(), started(), progress(1, 2), log("between"), progress(2, 2), success()]
    task = await site.task(life[0])
    async with task.follow(transport, types="status,log") as client:
        await client.next()
        await task.play(*life[1:])
        seen = await client.collect()
    faithful(seen, life, types="status,log")


async def test_steps_from_two_processes_come_in_the_order_of_their_versions(
    redis_site: Site, transport: str
) -> None:
    """A task that two processes publish for is still one stream."""
    task = await redis_site.task(pending())
    async with task.follow(transport) as client:
        await client.next()
        await task.play(received(), server=redis_site.server(1))
        await task.play(started())
        await task.play(log("from the other"), server=redis_site.server(1))
        await task.play(success())
        await client.collect()
    assert client.states == ["PENDING", "RECEIVED", "STARTED", "SUCCESS"]
