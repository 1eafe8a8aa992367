"""Several tasks over one connection: the same streams, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.clients import End
from tests.harness.clients.bundle import BUNDLES
from tests.harness.steps import faithful, log, pending, progress, started, success

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Layer
    from tests.harness.site import Site

LIFE = [started(), log("a"), progress(1, 2), log("b"), success({"é": 1})]


@pytest.mark.parametrize("layer", ["core", "memory"])
async def test_several_lives_are_told_on_every_layer(
    site_on: Callable[[Layer], Site], transport: str, layer: Layer
) -> None:
    """From the snapshots to the ends."""
    site = site_on(layer)
    tasks = [await site.task(pending()) for _ in range(3)]
    async with site.follow(transport, *tasks) as client:
        await client.first()
        for task in tasks:
            await task.play(started(), success())
        await client.settled()
    for task in tasks:
        faithful(client.of(task.id), task.steps)


async def test_each_task_begins_with_its_snapshot(site: Site, transport: str) -> None:
    """One message of each, whatever state it is in, ended ones too."""
    tasks = [
        await site.task(pending()),
        await site.task(pending(), started(), progress(1, 2)),
        await site.task(pending(), started(), success()),
    ]
    async with site.follow(transport, *tasks) as client:
        await client.first()
    assert [client.told(task.id) for task in tasks] == [["PENDING"], ["PROGRESS"], ["SUCCESS"]]


async def test_lives_that_are_mixed_are_told_each_in_order(site: Site, transport: str) -> None:
    """Nothing of any task is lost, and nothing comes twice."""
    tasks = [await site.task(pending(), server=number) for number in range(4)]
    async with site.follow(transport, *tasks, types="status,log") as client:
        await client.first()
        for step in LIFE:
            for task in tasks:
                await task.play(step)
        await client.settled()
    for task in tasks:
        faithful(client.of(task.id), task.steps, types="status,log")


async def test_messages_are_the_same_bytes_as_alone(site: Site) -> None:
    """Live and as a snapshot, on each transport."""
    tasks = [await site.task(pending()) for _ in range(2)]
    live: dict[str, set[tuple[bytes, ...]]] = {task.id: set() for task in tasks}
    for transport in BUNDLES:
        async with site.follow(transport, *tasks) as client:
            await client.first()
            for task in tasks:
                live[task.id].add(tuple(message.raw for message in client.of(task.id)))
    for task in tasks:
        async with task.follow("websocket") as alone:
            assert live[task.id] == {((await alone.next()).raw,)}


async def test_live_messages_are_the_same_bytes_as_alone(site: Site, transport: str) -> None:
    """What comes while one waits, too."""
    tasks = [await site.task(pending()) for _ in range(2)]
    async with site.follow(transport, *tasks, types="status,log") as client:
        await client.first()
        async with tasks[0].follow("websocket", types="status,log") as alone:
            await alone.next()
            for step in (started(), log("é \u2028"), success([1])):
                await tasks[0].play(step)
                expected = await alone.next()
                assert (await client.next()).raw == expected.raw


async def test_end_of_one_leaves_the_others(site: Site, transport: str) -> None:
    """Then the end of all is the end of the stream, where a stream can end."""
    first, second = [await site.task(pending()) for _ in range(2)]
    async with site.follow(transport, first, second) as client:
        await client.first()
        await first.play(started(), success("one"))
        await client.until("SUCCESS")
        await second.play(started())
        await client.until("STARTED")
        await second.play(success("two"))
        await client.until("SUCCESS")
        if transport != "websocket":
            assert (await client.ended()).reason is End.TERMINAL
        else:
            with pytest.raises(TimeoutError):
                await client.next(timeout=0.3)


async def test_what_is_refused_does_not_end_the_others(site: Site, transport: str) -> None:
    """It is told once by a problem, and the rest goes on."""
    good = await site.task(pending())
    unknown = await site.task()
    foreign = await site.task(pending())
    async with site.follow(
        transport, unknown, good, foreign, tokens=[unknown.token, good.token]
    ) as client:
        await client.first()
        await good.play(started(), success())
        await client.settled()
        if transport != "websocket":
            assert (await client.ended()).reason is End.TERMINAL
    assert client.told(good.id)[-1] == "SUCCESS"
    told = {key: (value["status"], value["code"]) for key, value in client.problems.items()}
    assert told == {unknown.id: (404, "unknown_task"), foreign.id: (403, "forbidden")}
    assert len([message for message in client.messages if message.type == "problem"]) == 2


@pytest.mark.parametrize("tail", ["~", "~1", "a~b", "~~"])
async def test_id_may_hold_a_tilde(site: Site, transport: str, tail: str) -> None:
    """A value is cut at its last one."""
    base = await site.task(pending())
    task = await site.task(pending(), task_id=f"{base.id}{tail}")
    async with site.follow(transport, task) as client:
        await client.first()
        assert client.told(task.id) == ["PENDING"]


@pytest.mark.parametrize("transport", ["sse", "longpoll"])
async def test_lines_alone_end_with_their_tasks(site: Site, transport: str) -> None:
    """A client that asked for no states is told of the end by the transport."""
    tasks = [await site.task(pending(), started(), log("before")) for _ in range(2)]
    async with site.follow(transport, *tasks, types="log") as client:
        assert [(await client.next())["message"] for _ in tasks] == ["before"] * 2
        await tasks[0].play(log("after"), success())
        assert (await client.next())["message"] == "after"
        await tasks[1].play(success())
        assert (await client.ended()).reason is End.TERMINAL
    assert [client.told(task.id) for task in tasks] == [["log", "log"], ["log"]]
