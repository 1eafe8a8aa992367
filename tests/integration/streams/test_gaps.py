"""Whatever the layer loses, swaps or repeats, and however slow a client is: no hole, no repeat."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from taskstatus import groups, subscription
from taskstatus.exceptions import SlowReader
from tests.integration.streams.layers import messages_only
from tests.integration.streams.reading import BOTH, UNIT, ended, eventually, read_until, states

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pytest_django.fixtures import Settings

    from taskstatus.feed import Feed
    from taskstatus.messages import Message
    from taskstatus.testing import TaskDriver
    from tests.integration.streams.reading import Stream


async def test_interim_states_are_conflated_for_who_is_slow(stream: Stream) -> None:
    """A client that looks away gets the newest progress, and every line."""
    task = stream.task()
    task.started()
    async with stream.follow(task, types=BOTH) as feed:
        await feed.batch(0)
        for number in range(1, 11):
            task.progress(number, 20)
        task.log("half")
        for number in range(11, 21):
            task.progress(number, 20)
        await mail(feed, stream)
        messages = await read_until(feed, lambda messages: '"current":20' in _last(messages))
        seen = states(messages)
        assert seen.count("log") == 1
        assert len(messages) < 21
        before = messages[seen.index("log") - 1]
        assert '"current":10' in before.json


async def mail(feed: Feed, stream: Stream) -> None:
    """Return once all that is stored has come, while the client looks away."""
    (pulse,) = await stream.store.apulses([feed.task_id])
    mailbox = feed._subscription
    assert mailbox is not None
    await eventually(lambda: not mailbox.lacks(pulse.version))


def _last(messages: list[Message]) -> str:
    return messages[-1].json if messages else ""


async def test_gap_is_filled_from_the_log(stream: Stream) -> None:
    """When the layer loses some messages, the next one that comes brings them all."""
    task = stream.task()
    task.started()
    async with stream.follow(task, types=BOTH) as feed:
        await feed.batch(0)
        stream.tap.loses = lambda message: '"lost' in message.get("json", "")
        task.log("heard")
        for number in range(5):
            task.log(f"lost {number}")
        task.log("heard again")
        messages = await read_until(feed, lambda messages: len(messages) >= 7)
        assert len(messages) == 7
        await eventually(lambda: len(stream.tap.lost) == 5)


async def test_reordered_messages_come_in_order(stream: Stream) -> None:
    """A layer that swaps messages, as two publishers can, swaps none for the client."""
    task = stream.task()
    task.pending()
    async with stream.hub.subscribe(task.task_id), stream.follow(task, types=BOTH) as feed:
        stream.tap.loses = messages_only
        task.started()
        for number in range(4):
            task.log(str(number))
        await eventually(lambda: len(stream.tap.lost) == 5)
        stream.tap.loses = None
        for message in reversed(stream.tap.lost):
            stream.hub._hear(message)
        messages = await read_until(feed, lambda messages: len(messages) >= 6)
        assert states(messages) == ["PENDING", "STARTED", "log", "log", "log", "log"]


async def test_repeated_messages_come_once(stream: Stream) -> None:
    """A layer that delivers twice, as after a retry, repeats nothing for the client."""
    task = stream.task()
    task.pending()
    async with stream.follow(task, types=BOTH) as feed:
        task.started()
        task.log("one")
        first = await read_until(feed, lambda messages: len(messages) == 3)
        group = groups.group_name(task.task_id)
        for message in first:
            await stream.tap.group_send(group, groups._encode(task.task_id, message))
        task.success()
        assert states(await read_until(feed, ended)) == ["SUCCESS"]


async def test_overflowing_mailbox_is_made_good_from_the_log(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client behind whose mailbox overflows gets every line, from the store."""
    monkeypatch.setattr(subscription, "MAX_SIZE", 2_000)
    task = stream.task()
    task.started()
    async with stream.follow(task, types=BOTH) as feed:
        for number in range(200):
            task.log(f"line {number}")
        task.success()
        messages = await read_until(feed, ended)
        assert len(messages) == 202


@contextlib.asynccontextmanager
async def left_behind(
    stream: Stream, settings: Settings, says: Callable[[TaskDriver, int], object], **options: Any
) -> AsyncIterator[tuple[TaskDriver, Feed]]:
    """Follow a task that says more than the store keeps before its client hears of any of it."""
    settings.TASKSTATUS_MAX_EVENTS = 10
    stream.tap.loses = messages_only
    task = stream.task()
    task.started()
    async with stream.follow(task, **options) as feed:
        await feed.batch(0)
        for number in range(50):
            says(task, number)
        await stream.hub.reconcile()
        yield task, feed


def line(task: TaskDriver, number: int) -> None:
    """Write a line."""
    task.log(str(number))


def step(task: TaskDriver, number: int) -> None:
    """Take a state."""
    task.custom(f"STEP {number}")


async def test_client_behind_the_log_is_slow(stream: Stream, settings: Settings) -> None:
    """When lines are gone before a client could read them, it is told to start over."""
    async with left_behind(stream, settings, line, types=BOTH) as (_, feed):
        with pytest.raises(SlowReader):
            await feed.batch(100 * UNIT)


async def test_client_of_states_is_not_slow_because_of_lines(
    stream: Stream, settings: Settings
) -> None:
    """Lines that nobody asked for may come and go; nothing is missing without them."""
    async with left_behind(stream, settings, line) as (task, feed):
        assert await feed.batch(UNIT) == []
        task.success()
        await stream.hub.reconcile()
        assert states(await read_until(feed, ended)) == ["SUCCESS"]


async def test_client_whose_states_are_gone_gets_a_reset(
    stream: Stream, settings: Settings
) -> None:
    """A stream that has lost states goes on with a snapshot that says so."""
    async with left_behind(stream, settings, step) as (_, feed):
        (snapshot,) = await feed.batch(100 * UNIT)
        assert '"reset":true' in snapshot.json
        assert snapshot.state == "STEP 49"


async def test_cancelled_wait_loses_nothing(stream: Stream) -> None:
    """A wait that is given up at any moment leaves what comes for the next one."""
    task = stream.task()
    task.started()
    stream.tap.loses = lambda message: '"lost' in message.get("json", "")
    async with stream.follow(task, types=BOTH) as feed:
        told = await feed.batch(0)
        for number in range(50):
            task.log(f"{'lost' if number % 2 else 'heard'} {number}")
            waiting = asyncio.ensure_future(feed.batch(100 * UNIT))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                told += await waiting
        task.success()
        told += await read_until(feed, ended)
        assert len([message for message in told if message.kind == "log"]) == 50
