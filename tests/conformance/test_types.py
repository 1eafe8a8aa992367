"""Who asks for log lines gets them; who does not sees states only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.clients import End
from tests.harness.steps import failure, faithful, log, pending, progress, started, success

if TYPE_CHECKING:
    from tests.harness.site import Site

LIFE = [started(), log("one"), progress(1, 2), log("two"), success("done")]


@pytest.mark.parametrize("types", [None, "status", "status,log", "log,status"])
async def test_types_are_delivered_as_asked_for(
    site: Site, transport: str, types: str | None
) -> None:
    """The default is states alone; the order in which types are named means nothing."""
    task = await site.task(pending())
    async with task.follow(transport, types=types) as client:
        await client.next()
        await task.play(*LIFE)
        messages = await client.collect()
    asked_for = "status,log" if types and "log" in types else "status"
    faithful(messages, [pending(), *LIFE], types=asked_for)


async def test_log_alone_delivers_no_status_and_still_ends(site: Site, transport: str) -> None:
    """A client of log lines alone gets them all, and then the end."""
    task = await site.task(pending())
    cursor = (await task.snapshot()).json()["cursor"]
    async with task.follow(transport, types="log", after=cursor) as client:
        await task.play(*LIFE[:2])
        assert (await client.next())["message"] == "one"
        await task.play(*LIFE[2:])
        assert (await client.next())["message"] == "two"
        assert (await client.ended()).reason is End.TERMINAL


async def test_log_alone_ends_without_a_line(site: Site, transport: str) -> None:
    """The end of a task that wrote nothing is an end all the same."""
    task = await site.task(pending())
    cursor = (await task.snapshot()).json()["cursor"]
    async with task.follow(transport, types="log", after=cursor) as client:
        await task.play(started(), success())
        assert (await client.ended()).reason is End.TERMINAL


async def test_log_alone_after_the_end_ends_at_once(site: Site, transport: str) -> None:
    """A late client of log lines is not kept waiting for any."""
    task = await site.task(pending(), *LIFE)
    async with task.follow(transport, types="log") as client:
        assert await client.collect(timeout=5) == []
    assert client.end is not None
    assert client.end.reason is End.TERMINAL


async def test_log_alone_after_a_lost_cursor_is_told_so(site: Site, transport: str) -> None:
    """A hole in the lines is never silent: the reset snapshot comes whatever the types."""
    task = await site.task(pending(), started(), progress(1, 2))
    async with task.follow(transport, types="log", after="1") as client:
        first = await client.next()
        assert first.state == "PROGRESS"
        assert first["reset"] is True
        await task.play(log("next"), failure())
        assert [message.type for message in await client.collect()] == ["status", "log"]


async def test_a_cursor_of_a_log_line_resumes_states(site: Site, transport: str) -> None:
    """There is one stream; a cursor of any message is good for any types."""
    task = await site.task(pending(), started(), log("here"))
    async with task.follow(transport, types="status,log") as client:
        await client.next()
        cursor = (await client.next()).cursor
    await task.play(log("there"), progress(1, 2), success())
    async with task.follow(transport, after=cursor) as client:
        faithful(await client.collect(), [progress(1, 2), success()])
