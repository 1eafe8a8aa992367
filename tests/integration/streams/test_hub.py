"""The hub joins a task's group once, proves it, leaves it, and gets over what the layer does."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import TYPE_CHECKING, Any

import pytest
import redis

from taskstatus import groups, hub
from taskstatus.hub import get_hub
from tests.integration.streams.layers import KINDS, everything
from tests.integration.streams.reading import UNIT, ended, eventually, read_until, states

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from taskstatus.subscription import Subscription
    from tests.integration.streams.reading import Stream


@pytest.fixture
def linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let groups be left soon after their last reader."""
    monkeypatch.setattr(hub, "LINGER_SECONDS", UNIT)


def subscribe(
    stack: contextlib.AsyncExitStack, stream: Stream, task_id: str
) -> Coroutine[Any, Any, Subscription]:
    """Hold a subscription until the stack is left."""
    return stack.enter_async_context(stream.hub.subscribe(task_id))


async def test_many_readers_of_a_task_join_its_group_once(stream: Stream) -> None:
    """A hundred readers at the same moment cost one join, and each hears everything."""
    task = stream.task()
    task.pending()
    async with contextlib.AsyncExitStack() as stack:
        opened = [stack.enter_async_context(stream.follow(task)) for _ in range(100)]
        feeds = await asyncio.gather(*opened)
        assert stream.tap.added == [groups.group_name(task.task_id)]
        task.started()
        task.success()
        for feed in feeds:
            assert states(await read_until(feed, ended)) == ["PENDING", "STARTED", "SUCCESS"]


async def test_tasks_do_not_hear_of_each_other(stream: Stream) -> None:
    """Each task has a group of its own."""
    one, other = stream.task(), stream.task()
    one.pending()
    other.pending()
    async with stream.follow(one) as here, stream.follow(other) as there:
        assert len(stream.tap.added) == 2
        one.started()
        other.success()
        one.success()
        assert states(await read_until(here, ended)) == ["PENDING", "STARTED", "SUCCESS"]
        assert states(await read_until(there, ended)) == ["PENDING", "SUCCESS"]


@pytest.mark.traps  # group_add() returns before Redis has subscribed
async def test_message_sent_right_after_subscribing_arrives(stream: Stream) -> None:
    """Entering the subscription means that the group is joined for certain."""
    for _ in range(20):
        task = stream.task()
        task.pending()
        async with stream.hub.subscribe(task.task_id) as subscription:
            assert stream.hub.is_watching(task.task_id)
            task.started()
            assert await subscription.wait(100 * UNIT)
            assert [message.state for message in subscription.take()] == ["STARTED"]


@pytest.mark.usefixtures("linger")
async def test_group_is_left_when_its_last_reader_has_gone(stream: Stream) -> None:
    """After the linger time nothing of the task is left in the hub or in the layer."""
    task = stream.task()
    task.pending()
    async with stream.follow(task), stream.follow(task):
        pass
    assert stream.tap.discarded == []
    await eventually(lambda: bool(stream.tap.discarded))
    await eventually(lambda: not stream.hub._watches)
    assert stream.tap.discarded == [groups.group_name(task.task_id)]
    assert not stream.hub.is_watching(task.task_id)


async def test_reader_who_comes_back_soon_finds_the_group_joined(stream: Stream) -> None:
    """Between two long-polls the group stays joined."""
    task = stream.task()
    task.pending()
    for _ in range(3):
        async with stream.follow(task) as feed:
            assert await feed.batch(0)
    assert len(stream.tap.added) == 1
    assert stream.tap.discarded == []


@pytest.mark.usefixtures("linger")
async def test_reader_who_comes_while_the_group_is_left_joins_it_again(stream: Stream) -> None:
    """Leaving and joining at one moment ends with the group joined."""
    task = stream.task()
    task.pending()
    leaving, left = asyncio.Event(), asyncio.Event()
    discard = stream.tap.discard

    async def slow_discard(*group: str) -> None:
        leaving.set()
        await left.wait()
        await discard(*group)

    stream.tap.discard = slow_discard
    async with stream.follow(task):
        pass
    await asyncio.wait_for(leaving.wait(), 100 * UNIT)
    async with contextlib.AsyncExitStack() as stack:
        coming = asyncio.ensure_future(subscribe(stack, stream, task.task_id))
        await asyncio.sleep(UNIT)
        left.set()
        subscription = await coming
        stream.tap.discard = discard
        task.started()
        assert await subscription.wait(100 * UNIT)
        assert stream.hub.is_watching(task.task_id)


@pytest.mark.usefixtures("short_probe")
async def test_layer_that_does_not_deliver_is_found_out(stream: Stream) -> None:
    """Subscribing returns soon, and the group is not called joined."""
    stream.tap.loses = everything
    task = stream.task()
    task.pending()
    async with asyncio.timeout(40 * UNIT), stream.hub.subscribe(task.task_id):
        assert not stream.hub.is_watching(task.task_id)
    async with asyncio.timeout(UNIT), stream.hub.subscribe(task.task_id):
        # The second reader need not wait for what the first has found out.
        assert not stream.hub.is_watching(task.task_id)


async def test_reader_cancelled_while_joining_does_not_spoil_it(stream: Stream) -> None:
    """Who comes next joins the group, as if the first had never been."""
    task = stream.task()
    task.pending()
    stream.tap.loses = everything
    async with contextlib.AsyncExitStack() as stack:
        first = asyncio.ensure_future(subscribe(stack, stream, task.task_id))
        await eventually(lambda: bool(stream.tap.lost))
        second = asyncio.ensure_future(subscribe(stack, stream, task.task_id))
        await asyncio.sleep(0)
        stream.tap.loses = None
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
        subscription = await second
        assert stream.hub.is_watching(task.task_id)
        task.started()
        assert await subscription.wait(100 * UNIT)


async def test_cancelled_readers_leave_nothing_behind(stream: Stream, redis_url: str) -> None:
    """However readers go, the hub ends with no reader, no task, and no member in the layer."""
    task = stream.task()
    task.pending()

    async def read() -> None:
        async with stream.follow(task) as feed:
            while True:
                await feed.batch(100 * UNIT)

    readers = [asyncio.ensure_future(read()) for _ in range(20)]
    await eventually(lambda: stream.hub.is_watching(task.task_id))
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    watch = stream.hub._watches[task.task_id]
    assert not watch.readers
    group = groups.group_name(task.task_id)
    await stream.hub.aclose()
    assert not stream.hub._tasks
    assert not stream.hub._watches
    assert stream.tap.discarded == [group]
    if stream.kind == "memory":
        assert group not in stream.tap.layer.groups
        return
    with redis.Redis.from_url(redis_url) as client:
        assert client.exists(f"{stream.prefix}:group:{group}") == 0
        name = f"{stream.prefix}__group__{group}"
        assert dict(client.pubsub_numsub(name)) in ({}, {name.encode(): 0})


async def test_foreign_message_in_the_group_harms_nobody(stream: Stream) -> None:
    """What the hub can't read is logged, and the next message is heard."""
    task = stream.task()
    task.pending()
    async with stream.hub.subscribe(task.task_id) as subscription:
        group = groups.group_name(task.task_id)
        await stream.tap.group_send(group, {"type": groups.MESSAGE, "task_id": task.task_id})
        await stream.tap.group_send(group, {"type": "chat.message", "text": "hello"})
        task.started()
        assert await subscription.wait(100 * UNIT)
        assert [message.state for message in subscription.take()] == ["STARTED"]


async def test_hub_is_one_per_event_loop(stream: Stream) -> None:
    """Who asks for the hub gets the same one, until it is closed."""
    mine = get_hub()
    assert get_hub() is mine
    await stream.hub.aclose()
    assert get_hub() is mine
    await mine.aclose()
    again = get_hub()
    assert again is not mine
    await again.aclose()


def test_closed_event_loop_is_not_kept() -> None:
    """A hub goes with its event loop: nothing global holds on to either."""

    async def use() -> None:
        await get_hub().aclose()

    asyncio.run(use())
    gc.collect()
    assert not [loop for loop in hub._hubs if loop.is_closed()]


class Forgetful:
    """A layer's sending that the first time waits until it is cancelled, and forgets that.

    Before Python 3.12 ``asyncio.wait_for()`` may do so, by which redis-py sends.
    """

    def __init__(self, send: Callable[..., Awaitable[None]]) -> None:
        self.waits = asyncio.Event()
        self._send = send

    async def __call__(self, group: str, message: dict[str, Any]) -> None:
        """Send."""
        if not self.waits.is_set():
            self.waits.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        await self._send(group, message)


@pytest.mark.usefixtures("short_probe")
@pytest.mark.parametrize("stream", KINDS, indirect=True)
async def test_layer_that_forgets_a_timeout_is_given_up_in_time(
    stream: Stream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A probe takes no longer than it may."""
    stream.tap.loses = everything
    monkeypatch.setattr(stream.tap, "group_send", Forgetful(stream.tap.group_send))
    async with stream.hub.subscribe("a task"):
        assert not stream.hub.is_watching("a task")
    assert "does not deliver" in caplog.text
    assert "can't be joined" not in caplog.text


@pytest.mark.parametrize("stream", KINDS, indirect=True)
async def test_reader_that_goes_is_gone_although_the_layer_forgets_it(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds no subscription that it would never use."""
    layer = Forgetful(stream.tap.group_send)
    monkeypatch.setattr(stream.tap, "group_send", layer)

    async def read() -> None:
        async with stream.hub.subscribe("a task"):
            pytest.fail("the reader has gone")

    reader = asyncio.create_task(read())
    await layer.waits.wait()
    reader.cancel()
    await asyncio.wait([reader])
    assert reader.cancelled()
