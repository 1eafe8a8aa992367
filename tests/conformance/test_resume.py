"""A cursor from anywhere resumes anywhere: exactly what came after it, or an explicit reset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies

from tests.conformance.lives import FIXTURES_ARE_SHARED, lives
from tests.harness import redis
from tests.harness.clients import TRANSPORTS, End
from tests.harness.steps import (
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

#: More than the servers keep (``MAX_EVENTS`` in harness.environment).
TOO_MANY = 120


@pytest.mark.parametrize("source", list(TRANSPORTS))
async def test_a_cursor_of_any_transport_resumes_on_any_other(
    site: Site, source: str, transport: str
) -> None:
    """A client changes transport and process, and gets exactly what it has not seen."""
    task = await site.task(pending())
    async with task.follow(source, server=0) as before:
        cursor = (await before.next()).cursor
    missed = [received(), started(), retry(), started()]
    await task.play(*missed)
    async with task.follow(transport, server=1, after=cursor) as client:
        resumed = [await client.next() for _ in missed]
        faithful(resumed, missed)
        await task.play(success())
        assert (await client.next()).state == "SUCCESS"


async def test_resuming_after_the_newest_message_waits_for_the_next(
    site: Site, transport: str
) -> None:
    """A client that has everything is told nothing twice."""
    task = await site.task(pending(), started())
    async with task.follow(transport) as before:
        cursor = (await before.next()).cursor
    async with task.follow(transport, after=cursor, params={"wait": "1"}) as client:
        with pytest.raises(TimeoutError):
            await client.next(timeout=0.3)
        await task.play(success())
        assert (await client.next()).state == "SUCCESS"


async def test_resuming_brings_log_lines_in_order(site: Site, transport: str) -> None:
    """What a client missed includes the lines between the states."""
    task = await site.task(pending())
    async with task.follow(transport) as before:
        cursor = (await before.next()).cursor
    missed = [started(), log("a"), progress(1, 2), log("b", level="error"), progress(2, 2)]
    await task.play(*missed)
    async with task.follow(transport, after=cursor, types="status,log") as client:
        while (message := await client.next()).state != "PROGRESS" or (
            message["progress"]["current"] < 2
        ):
            pass
    faithful(client.messages, missed, types="status,log")


async def test_resuming_in_the_middle_of_progress_tells_the_newest(
    site: Site, transport: str
) -> None:
    """A cursor of a progress message that has been superseded is still a good one."""
    task = await site.task(pending(), started(), progress(1, 9))
    async with task.follow(transport) as before:
        cursor = (await before.next()).cursor
    await task.play(progress(2, 9), progress(3, 9), progress(4, 9))
    async with task.follow(transport, after=cursor) as client:
        message = await client.next()
        while message["progress"]["current"] < 4:
            message = await client.next()
        assert not any(seen.reset for seen in client.messages)


async def test_a_cursor_that_is_no_longer_kept_gives_a_reset(site: Site, transport: str) -> None:
    """Trimmed history is one snapshot that says so, then live again."""
    task = await site.task(pending())
    async with task.follow(transport) as before:
        cursor = (await before.next()).cursor
    await task.play(started(), *(log(f"{number}") for number in range(TOO_MANY)))
    await task.play(progress(1, 2))
    async with task.follow(transport, after=cursor) as client:
        first = await client.next()
        assert first.state == "PROGRESS"
        assert first["reset"] is True
        await task.play(success())
        last = await client.next()
        assert last.state == "SUCCESS"
        assert not last.reset


async def test_history_within_the_limit_is_kept(site: Site, transport: str) -> None:
    """A client that missed fewer messages than are kept gets them all."""
    task = await site.task(pending())
    async with task.follow(transport) as before:
        cursor = (await before.next()).cursor
    missed = [started(), *(log(f"{number}") for number in range(45)), success()]
    await task.play(*missed)
    async with task.follow(transport, after=cursor, types="status,log") as client:
        faithful(await client.collect(), missed, types="status,log")


@pytest.mark.parametrize("cursor", ["1", "9999999999999999"])
async def test_a_cursor_of_another_epoch_gives_a_reset(
    site: Site, transport: str, cursor: str
) -> None:
    """A cursor from before this stream, or from its future, can't be resumed from."""
    task = await site.task(pending(), started())
    async with task.follow(transport, after=cursor) as client:
        first = await client.next()
        assert first.state == "STARTED"
        assert first["reset"] is True
        await task.play(success())
        assert (await client.next()).state == "SUCCESS"


async def test_a_reset_snapshot_is_the_snapshot_but_for_the_mark(
    site: Site, transport: str
) -> None:
    """reset is the one key more that the answer to a lost cursor has."""
    task = await site.task(pending(), started(), progress(3, 4))
    async with task.follow(transport) as plain, task.follow(transport, after="1") as lost:
        expected, got = await plain.next(), await lost.next()
    assert got.data == {**expected.data, "reset": True}


async def test_a_flushed_store_gives_a_reset(
    redis_site: Site, transport: str, redis_url: str
) -> None:
    """A task that lives on after the store has lost it is followed again, openly from anew."""
    before = redis.keys(redis_url)
    task = await redis_site.task(pending(), started())
    async with task.follow(transport) as client:
        cursor = (await client.next()).cursor
    redis.forget(redis_url, redis.keys(redis_url) - before)
    await task.play(progress(1, 2))
    async with task.follow(transport, after=cursor) as client:
        first = await client.next()
    assert first.state == "PROGRESS"
    assert first["reset"] is True
    assert first.version is not None
    assert first.version > int(cursor)


@FIXTURES_ARE_SHARED
@given(life=lives(max_attempts=2), cut=strategies.data())
async def test_any_life_cut_anywhere_is_told_once(
    site: Site, transport: str, life: list[Step], cut: strategies.DataObject
) -> None:
    """A client that leaves at any message and resumes elsewhere sees each message once."""
    task = await site.task(life[0])
    async with task.follow(transport, types="status,log", server=0) as client:
        first = await client.next()
    await task.play(*life[1:])
    leave_after = cut.draw(strategies.integers(0, len(life) - 2), label="messages before leaving")
    seen = [first]
    async with client.resume() as client:
        for _ in range(leave_after):
            message = await client.next()
            seen.append(message)
            if message.ready:
                break
    onward = cut.draw(strategies.sampled_from(list(TRANSPORTS)), label="resumes on")
    if not seen[-1].ready:
        again = task.follow(onward, types="status,log", server=1, after=seen[-1].cursor)
        async with again:
            seen += await again.collect()
    faithful(seen, life, types="status,log")


async def test_resuming_at_the_end_ends_at_once(site: Site, transport: str) -> None:
    """A client that has the terminal message is told so, with nothing new."""
    task = await site.task(pending(), started(), success("over"))
    async with task.follow(transport) as client:
        terminal = (await client.collect())[-1]
    async with task.follow(transport, after=terminal.cursor) as client:
        messages = await client.collect(timeout=5)
    assert [message.raw for message in messages] in ([], [terminal.raw])
    assert client.end is not None
    assert client.end.reason is End.TERMINAL
