"""Positions and cursors of several tasks: exactly what was missed, on any transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.clients import TRANSPORTS, End
from tests.harness.clients.bundle import BundleLongPollClient, BundleSseClient
from tests.harness.steps import faithful, log, pending, progress, started, success

if TYPE_CHECKING:
    from tests.harness.clients.bundle import Bundle
    from tests.harness.site import DrivenTask, Site

#: More than the servers keep (``MAX_EVENTS`` in harness.environment).
TOO_MANY = 120


@pytest.fixture
async def tasks(site: Site) -> list[DrivenTask]:
    """Return three tasks that wait."""
    return [await site.task(pending()) for _ in range(3)]


async def position_of(site: Site, transport: str, tasks: list[DrivenTask], **options: Any) -> str:
    """Return the position of a client that has a message or a problem of each task."""
    async with site.follow(transport, *tasks, **options) as client:
        assert isinstance(client, BundleSseClient | BundleLongPollClient)
        await client.first()
        return client.position


@pytest.mark.parametrize("source", ["sse", "longpoll"])
@pytest.mark.parametrize("target", ["sse", "longpoll"])
async def test_position_of_either_resumes_on_the_other(
    site: Site, tasks: list[DrivenTask], source: str, target: str
) -> None:
    """What was missed comes, of each task, and nothing twice."""
    position = await position_of(site, source, tasks)
    assert len(position.split(".")) == 3
    await tasks[0].play(started(), log("x"))
    await tasks[2].play(started(), success())
    async with site.follow(target, *tasks, after=position) as client:
        await client.until("SUCCESS")
        await tasks[1].play(started(), success())
        await tasks[0].play(success())
        await client.settled()
    assert client.told(tasks[0].id) == ["STARTED", "SUCCESS"]
    assert client.told(tasks[1].id) == ["STARTED", "SUCCESS"]
    assert client.told(tasks[2].id) == ["STARTED", "SUCCESS"]


@pytest.mark.parametrize("source", list(TRANSPORTS))
async def test_cursors_of_any_resume_on_any_other(
    site: Site, tasks: list[DrivenTask], source: str, transport: str
) -> None:
    """A client that changes transport takes each task's cursor along, or starts one over."""
    async with site.follow(source, *tasks, server=0) as before:
        await before.first()
    for task in tasks:
        await task.play(started())
    names = [f"{tasks[0].id}~{before.cursors[tasks[0].id]}", f"{tasks[1].id}~", tasks[2].id]
    tokens = [task.token for task in tasks]
    async with site.follow(transport, *names, tokens=tokens, server=1) as client:
        await client.first()
        await tasks[0].play(progress(1, 2))
        await client.until("PROGRESS")
    assert client.told(tasks[0].id) == ["STARTED", "PROGRESS"]
    assert client.told(tasks[1].id) == client.told(tasks[2].id) == ["STARTED"]
    assert not any(message.reset for message in client.messages)


async def test_cursor_of_one_task_alone_resumes_among_others(
    site: Site, tasks: list[DrivenTask], transport: str
) -> None:
    """A cursor is the same on the single task's URL, both ways."""
    async with tasks[0].follow("sse") as alone:
        cursor = (await alone.next()).cursor
    await tasks[0].play(started())
    names = [f"{tasks[0].id}~{cursor}", tasks[1].id]
    tokens = [task.token for task in tasks]
    async with site.follow(transport, *names, tokens=tokens) as client:
        await client.first()
    assert client.told(tasks[0].id) == ["STARTED"]
    await tasks[0].play(success())
    async with tasks[0].follow("longpoll", after=client.cursors[tasks[0].id]) as alone:
        assert [message.state for message in await alone.collect()] == ["SUCCESS"]


async def test_missed_lines_and_states_come_in_order(
    site: Site, tasks: list[DrivenTask], transport: str
) -> None:
    """Of each task all that it went through."""
    async with site.follow(transport, *tasks) as before:
        await before.first()
    missed = [started(), log("a"), progress(1, 2), log("b"), success()]
    for task in tasks:
        await task.play(*missed)
    names = [f"{task.id}~{before.cursors[task.id]}" for task in tasks]
    tokens = [task.token for task in tasks]
    async with site.follow(transport, *names, tokens=tokens, types="status,log") as client:
        await client.settled()
    for task in tasks:
        faithful(client.of(task.id), missed, types="status,log")


async def test_cursor_that_is_no_longer_kept_resets_that_task_alone(
    site: Site, tasks: list[DrivenTask], transport: str
) -> None:
    """The others go on where they were."""
    async with site.follow(transport, *tasks[:2]) as before:
        await before.first()
    await tasks[0].play(started(), *(log(f"{number}") for number in range(TOO_MANY)), started())
    await tasks[0].play(progress(1, 2))
    await tasks[1].play(started())
    names = [f"{task.id}~{before.cursors[task.id]}" for task in tasks[:2]]
    tokens = [task.token for task in tasks]
    async with site.follow(transport, *names, tokens=tokens) as client:
        await client.first()
    assert [message.reset for message in client.of(tasks[0].id)] == [True]
    assert [message.reset for message in client.of(tasks[1].id)] == [False]


@pytest.mark.parametrize("transport", ["sse", "longpoll"])
async def test_position_wins_over_the_cursors(
    site: Site, tasks: list[DrivenTask], transport: str
) -> None:
    """The URL's cursors are where a client began; ``after`` is newer."""
    position = await position_of(site, "sse", tasks[:2])
    await tasks[0].play(started())
    tokens = [task.token for task in tasks]
    names = [f"{task.id}~1" for task in tasks[:2]]
    async with site.follow(transport, *names, tokens=tokens, after=position) as client:
        assert (await client.next()).state == "STARTED"
        assert not client.messages[0].reset


async def test_last_event_id_wins_over_all(site: Site, tasks: list[DrivenTask]) -> None:
    """What a browser sends when it reconnects is the newest."""
    old = await position_of(site, "sse", tasks)
    await tasks[0].play(started())
    new = await position_of(site, "sse", tasks)
    assert old != new
    await tasks[0].play(progress(1, 2))
    options: dict[str, Any] = {"after": old, "headers": {"Last-Event-ID": new}}
    async with site.follow("sse", *tasks, **options) as client:
        assert (await client.next()).state == "PROGRESS"


@pytest.mark.parametrize("transport", ["sse", "longpoll"])
async def test_place_of_a_task_not_seen_yet_is_a_snapshot(
    site: Site, tasks: list[DrivenTask], transport: str
) -> None:
    """A stream that broke before a task's first message begins that task anew."""
    position = await position_of(site, "sse", tasks)
    places = [position.split(".")[0], "0", "0"]
    async with site.follow(transport, *tasks, after=".".join(places)) as client:
        seen = [await client.next() for _ in range(2)]
    assert {message["task_id"] for message in seen} == {task.id for task in tasks[1:]}


async def test_event_source_misses_nothing_wherever_it_breaks(
    site: Site, tasks: list[DrivenTask]
) -> None:
    """From the id of each event on, a reconnect brings exactly the rest."""
    life = [started(), log("a"), log("b"), success()]
    async with site.follow("sse", *tasks, types="status,log") as client:
        assert isinstance(client, BundleSseClient)
        positions = []
        await client.first()
        for step in life:
            for task in tasks:
                await task.play(step)
                await client.next()
                positions.append(client.position)
        assert (await client.ended()).reason is End.TERMINAL
    whole = [message.raw for message in client.messages]
    for number, position in enumerate(positions):
        rest = whole[len(tasks) + number + 1 :]
        resumed = site.follow("sse", *tasks, types="status,log")
        resumed.headers = {"Last-Event-ID": position}
        async with resumed as again:
            assert isinstance(again, BundleSseClient)
            await again.collect()
        assert sorted(message.raw for message in again.messages) == sorted(rest)
        newest = again.position or position
        async with site.follow("sse", *tasks, headers={"Last-Event-ID": newest}) as last:
            assert (await last.ended()).code == 204


async def test_position_after_the_end_of_all_is_the_end(site: Site) -> None:
    """SSE answers 204, so that a browser stops; long-poll tells the ends at once, always."""
    tasks = [await site.task(pending(), started(), success(number)) for number in range(2)]
    unknown = await site.task()
    for names in (tasks, [*tasks, unknown]):
        async with site.follow("longpoll", *names) as client:
            assert isinstance(client, BundleLongPollClient)
            await client.collect()
        for _ in range(2):
            async with site.follow("sse", *names, after=client.position) as sse:
                assert (await sse.ended()).code == 204
            poll = site.follow("longpoll", *names, after=client.position, params={"wait": "9"})
            async with poll:
                await poll.collect(timeout=5)
            assert [message["result"] for message in poll.messages] == [0, 1]
            assert poll.end is not None
            assert poll.end.reason is End.TERMINAL


async def test_refused_task_is_told_once(site: Site, tasks: list[DrivenTask]) -> None:
    """Its place is an x from then on, and it is not tried again."""
    unknown = await site.task()
    names = [unknown, *tasks[:2]]
    for transport in ("sse", "longpoll"):
        position = await position_of(site, transport, names)
        assert position.startswith("x.")
        await unknown.play(pending())
        await tasks[0].play(log("x"), started())
        async with site.follow(transport, *names, after=position) as client:
            assert (await client.next())["task_id"] == tasks[0].id
            assert not client.problems
        unknown = await site.task()
        names = [unknown, *tasks[1:]]
        tasks = tasks[1:]


def holding_on(site: Site, transport: str, lost: DrivenTask, *others: DrivenTask) -> Bundle:
    """Return a client that has a cursor of a task that the store has lost; others are well."""
    tokens = [task.token for task in (lost, *others)]
    return site.follow(transport, f"{lost.id}~123", *others, tokens=tokens)


@pytest.mark.parametrize("transport", ["sse", "longpoll"])
async def test_task_that_is_lost_does_not_keep_the_others_waiting(
    site: Site, tasks: list[DrivenTask], transport: str
) -> None:
    """Who has a cursor is waited for, as alone; the rest is told meanwhile."""
    lost = await site.task()
    async with holding_on(site, transport, lost, tasks[0]) as client:
        assert (await client.next()).state == "PENDING"
        assert (await client.next())["code"] == "unknown_task"
    async with holding_on(site, transport, lost) as client:
        assert (await client.ended()).code == 404


async def test_lost_task_that_comes_back_is_followed(
    site: Site, tasks: list[DrivenTask], transport: str
) -> None:
    """A store that was flushed learns of a task again at its next word."""
    lost = await site.task()
    async with holding_on(site, transport, lost, tasks[0]) as client:
        assert (await client.next()).state == "PENDING"
        await lost.play(started())
        message = await client.next()
        assert (message.state, message.reset) == ("STARTED", True)
        await lost.play(success())
        await client.until("SUCCESS")
