"""Reconciling alone makes good whatever the layer does, and tells who has lost their worker."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from taskstatus import changes
from taskstatus.publisher import publish
from tests.integration.streams.layers import everything, messages_only
from tests.integration.streams.reading import UNIT, ended, eventually, read_until, states

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_django.fixtures import Settings

    from taskstatus.stores import Pulse
    from tests.integration.streams.reading import Stream


@pytest.mark.usefixtures("short_probe")
async def test_group_is_joined_once_the_layer_is_back(stream: Stream) -> None:
    """Reconciling tries again, and from then on messages come by themselves."""
    stream.tap.loses = everything
    task = stream.task()
    task.pending()
    async with stream.hub.subscribe(task.task_id) as subscription:
        stream.tap.loses = None
        await stream.hub.reconcile()
        assert stream.hub.is_watching(task.task_id)
        subscription.behind = False
        task.started()
        assert await subscription.wait(100 * UNIT)


@pytest.mark.usefixtures("short_probe")
async def test_all_readers_are_healed_at_once_however_many_groups_fail(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reconciling wakes every reader, and then tries to join all groups again at once."""
    stream.tap.loses = everything
    tasks = [stream.task() for _ in range(20)]
    for task in tasks:
        task.pending()
    gate, joining, join = asyncio.Event(), 0, stream.hub._membership.join

    async def join_later(task_id: str) -> bool:
        nonlocal joining
        joining += 1
        await gate.wait()
        return await join(task_id)

    async with contextlib.AsyncExitStack() as stack:
        opened = [stack.enter_async_context(stream.follow(task)) for task in tasks]
        feeds = await asyncio.gather(*opened)
        for task in tasks:
            task.success()
        monkeypatch.setattr(stream.hub._membership, "join", join_later)
        reconciling = asyncio.ensure_future(stream.hub.reconcile())
        healed = await asyncio.gather(*[read_until(feed, ended) for feed in feeds])
        assert all(states(messages) == ["PENDING", "SUCCESS"] for messages in healed)
        await eventually(lambda: joining == len(tasks))
        gate.set()
        await reconciling


async def test_terminal_state_arrives_although_every_message_is_lost(
    stream: Stream, settings: Settings
) -> None:
    """With a layer that seems well and delivers nothing, reconciling alone is enough."""
    settings.TASKSTATUS_RECONCILE_SECONDS = 2 * UNIT
    stream.tap.loses = messages_only
    task = stream.task()
    task.pending()
    async with stream.follow(task) as feed:
        task.started()
        task.failure(ValueError("no"))
        messages = await read_until(feed, ended)
        assert states(messages) == ["PENDING", "STARTED", "FAILURE"]
        if stream.kind == "pubsub":
            # Reconciling may be the faster one.
            await eventually(lambda: bool(stream.tap.lost))


async def test_task_whose_worker_is_gone_is_called_stalled(
    stream: Stream, settings: Settings
) -> None:
    """Readers see it by reconciling, and see as well when the worker is back."""
    settings.TASKSTATUS_STALLED_AFTER_SECONDS = 1
    task = stream.task()
    run = replace(task.run, worker=f"worker of {task.task_id}")
    publish(changes.started(run))
    async with stream.follow(task) as feed:
        await stream.hub.reconcile()
        stream.store.beat(run.worker, 60)
        await stream.hub.reconcile()
        first, stalled, back = await read_until(feed, lambda messages: len(messages) == 3)
    flags = ['"stalled":true' in message.json for message in (first, stalled, back)]
    assert flags == [False, True, False]


async def test_only_what_stands_still_is_read_in_full_and_once(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker of a task that goes on lives; of one that does not, the version is enough."""
    asked: list[list[str]] = []
    apulses = stream.store.apulses

    async def ask(task_ids: Sequence[str]) -> list[Pulse]:
        asked.append([*task_ids])
        return await apulses(task_ids)

    monkeypatch.setattr(stream.hub.store, "apulses", ask)
    quiet, busy = stream.task(), stream.task()
    for task in (quiet, busy):
        task.pending()
    async with stream.follow(quiet), stream.follow(busy):
        await stream.hub.reconcile()
        await stream.hub.reconcile()
        for number in range(3):
            busy.progress(number)
            await stream.hub.reconcile()
        assert [sorted(some) for some in asked] == [sorted([quiet.task_id, busy.task_id])]
        for _ in range(2):
            await stream.hub.reconcile()
        assert asked[1:] == [[busy.task_id]]
