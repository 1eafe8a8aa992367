"""Subscribing and unsubscribing: what only the WebSocket of several tasks has."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.clients import End, StreamEnded
from tests.harness.clients.bundle import BundleWebSocketClient
from tests.harness.steps import log, pending, progress, started, success
from tests.harness.visitor import log_in

if TYPE_CHECKING:
    from tests.harness.site import DrivenTask, Site

MOST = 100


def connect(site: Site, *tasks: DrivenTask | str, **options: Any) -> BundleWebSocketClient:
    """Return a client that subscribes to these tasks."""
    client = site.follow("websocket", *tasks, **options)
    assert isinstance(client, BundleWebSocketClient)
    return client


async def say(client: BundleWebSocketClient, **frame: Any) -> None:
    """Send a frame."""
    await client.send(json.dumps(frame))


async def quiet(client: BundleWebSocketClient) -> None:
    """Assert that nothing comes."""
    with pytest.raises(TimeoutError):
        await client.next(timeout=0.3)


async def test_connection_opens_empty_and_stays_open(site: Site) -> None:
    """Tasks come and go; each brings its own token."""
    tasks = [await site.task(pending()) for _ in range(2)]
    async with connect(site) as client:
        await quiet(client)
        for task in tasks:
            await client.subscribe(task.id, token=task.token)
            assert (await client.next()).state == "PENDING"
            await task.play(started(), success())
            await client.until("SUCCESS")
        await client.subscribe(tasks[0].id, token=tasks[0].token)
        assert (await client.next()).state == "SUCCESS"
        await quiet(client)


async def test_task_without_a_token_is_refused_alone(site: Site) -> None:
    """A token of the query, or of the frame, or the session has to let the client in."""
    first, second = [await site.task(pending()) for _ in range(2)]
    async with connect(site, first, second, tokens=[first.token]) as client:
        await client.first()
        assert client.told(first.id) == ["PENDING"]
        assert client.problems[second.id]["status"] == 403
        await client.subscribe(second.id, token=second.token)
        assert (await client.next())["task_id"] == second.id
    owner = await log_in(site.server(0))
    own = await site.task(pending(), owner=owner.user_id)
    async with connect(site, own, tokens=[], headers=owner.headers) as client:
        assert (await client.next()).state == "PENDING"


async def test_unsubscribed_task_is_heard_no_more(site: Site) -> None:
    """The others are; and it can be followed again from where it was."""
    first, second = [await site.task(pending()) for _ in range(2)]
    async with connect(site, first, second) as client:
        await client.first()
        await client.unsubscribe(first.id)
        await client.subscribe(second.id)
        await client.next()
        await first.play(started())
        await second.play(started())
        assert (await client.next())["task_id"] == second.id
        await client.subscribe(first.id, after=client.cursors[first.id])
        message = await client.next()
        assert (message["task_id"], message.state) == (first.id, "STARTED")


async def test_unsubscribing_from_what_is_not_followed_is_ignored(site: Site) -> None:
    """Once, twice, or before any subscription."""
    task = await site.task(pending())
    async with connect(site, tokens=[task.token]) as client:
        await client.unsubscribe(task.id)
        await client.unsubscribe("never heard of")
        await client.subscribe(task.id)
        assert (await client.next()).state == "PENDING"


async def test_subscribing_again_starts_over(site: Site) -> None:
    """From the cursor that comes with it, or from a snapshot; messages come once."""
    task = await site.task(pending())
    async with connect(site, task) as client:
        cursor = (await client.next()).cursor
        await task.play(started(), progress(1, 2))
        await client.until("PROGRESS")
        await client.subscribe(task.id, after=cursor)
        assert (await client.next()).state == "STARTED"
        assert (await client.next()).state == "PROGRESS"
        await client.subscribe(task.id)
        assert (await client.next()).state == "PROGRESS"
        for _ in range(20):
            await say(client, type="subscribe", task_id=task.id, after=client.cursors[task.id])
        await task.play(log("x"), success())
        assert (await client.next()).state == "SUCCESS"
        await quiet(client)


@pytest.mark.parametrize(
    "frame",
    [
        *("", "hello", "{", "NaN", "[]", "null", "1", '"text"', "{}", "[" * 4_000, "\x00"),
        *('{"type":1}', '{"type":null,"task_id":"a"}', '{"type":"subscribe"}'),
        *('{"type":"subscribe","task_id":1}', '{"type":"unsubscribe","task_id":null}'),
        *('{"type":"subscribe","task_id":"a","token":1}', '{"type":"subscribe","a":NaN}'),
        *(b"", b'{"type":"subscribe","task_id":"a"}', b"\xff"),
        json.dumps({"type": "later", "pad": "x" * 4_096}),
    ],
    ids=lambda frame: repr(frame[:40]),
)
async def test_frame_that_is_none_closes_with_4400(site: Site, frame: str | bytes) -> None:
    """Not JSON, too long, binary, or without what makes it a frame."""
    task = await site.task(pending())
    async with connect(site, task) as client:
        await client.next()
        await client.send(frame)
        ended = await client.ended(timeout=5)
    assert (ended.reason, ended.code) == (End.BAD_REQUEST, 4400)


async def test_frame_of_another_type_is_ignored(site: Site) -> None:
    """Later versions add types."""
    task = await site.task(pending())
    async with connect(site, task) as client:
        await client.next()
        await say(client, type="later", task_id=["what", "ever"])
        await client.send(json.dumps({"type": "later", "pad": "x" * (4_096 - 28)}))
        await task.play(started())
        assert (await client.next()).state == "STARTED"


@pytest.mark.parametrize(
    "fields",
    [
        *({"after": "x"}, {"after": ""}, {"after": 7}, {"after": "1" * 17}, {"after": ["1"]}),
        *({"task_id": ""}, {"task_id": "a\nb"}, {"task_id": "x" * 256}, {"task_id": "\ud800"}),
        {"type": "unsubscribe", "task_id": "\x7f"},
    ],
    ids=repr,
)
async def test_malformed_id_or_cursor_is_a_problem_of_that_task(
    site: Site, fields: dict[str, Any]
) -> None:
    """The connection and the other tasks go on."""
    other, task = [await site.task(pending()) for _ in range(2)]
    async with connect(site, other, tokens=[other.token, task.token]) as client:
        await client.next()
        frame = {"type": "subscribe", "task_id": task.id} | fields
        client.tasks += (f"{frame['task_id']}~",)
        await say(client, **frame)
        problem = await client.next()
        assert (problem.type, problem["status"], problem["code"]) == ("problem", 400, "bad_request")
        assert problem["task_id"] == frame["task_id"]
        await task.play(started())
        await other.play(started())
        assert (await client.next())["task_id"] == other.id


async def test_one_task_too_many_is_refused_alone(site: Site) -> None:
    """With a hundred followed; when one has gone there is room again."""
    staff = await log_in(site.server(0), permission="view_taskstatus")
    tasks = await asyncio.gather(*(site.task(pending(), server=n) for n in range(MOST + 1)))
    more = tasks.pop()
    async with connect(site, *tasks, tokens=[], headers=staff.headers) as client:
        await client.first()
        await client.subscribe(more.id)
        problem = await client.next()
        assert (problem["status"], problem["code"]) == (429, "too_many_tasks")
        assert problem["task_id"] == more.id
        await client.subscribe(tasks[0].id)
        assert (await client.next())["task_id"] == tasks[0].id
        await client.unsubscribe(tasks[1].id)
        await client.subscribe(more.id)
        assert (await client.next())["task_id"] == more.id
        await client.subscribe(tasks[1].id)
        assert (await client.next())["code"] == "too_many_tasks"
        await tasks[2].play(started(), success())
        await client.until("SUCCESS")
        await client.subscribe(tasks[1].id)
        assert (await client.next())["task_id"] == tasks[1].id


async def test_heartbeat_comes_to_those_who_ask(site: Site) -> None:
    """On an empty connection too."""
    task = await site.task(pending())
    async with connect(site, tokens=[task.token], params={"heartbeat": "1"}) as client:
        beats = [await client.next(timeout=5) for _ in range(2)]
        assert [beat.data for beat in beats] == [{"type": "heartbeat"}] * 2
        await client.subscribe(task.id)
        await client.until("PENDING")
    async with connect(site, task) as client:
        await client.next()
        with pytest.raises(TimeoutError):
            await client.next(timeout=1.5)


async def test_access_that_ends_ends_that_task_alone(site: Site) -> None:
    """A token that expires is a problem, and the others go on."""
    brief, other = [await site.task(pending()) for _ in range(2)]
    token = await brief.new_token(max_age=1.5)
    async with connect(site, brief, other, tokens=[token, other.token]) as client:
        await client.first()
        assert not client.problems
        problem = await client.next(timeout=5)
        assert (problem["task_id"], problem["status"]) == (brief.id, 403)
        await brief.play(started())
        await other.play(started())
        assert (await client.next())["task_id"] == other.id


@pytest.mark.parametrize("params", [{"types": "x"}, {"heartbeat": "2"}])
async def test_bad_parameter_closes_with_4400(site: Site, params: dict[str, str]) -> None:
    """What holds for the whole connection is looked at first."""
    async with connect(site, params=params) as client:
        assert (await client.ended()).code == 4400


async def test_types_hold_for_the_whole_connection(site: Site) -> None:
    """Lines of each task come to a client that asked for them."""
    tasks = [await site.task(pending()) for _ in range(2)]
    async with connect(site, *tasks, types="status,log") as client:
        await client.first()
        for task in tasks:
            await task.play(log("line"))
            assert (await client.next())["message"] == "line"


async def test_foreign_origin_is_refused(site: Site) -> None:
    """As on the URL of a single task."""
    with pytest.raises(AssertionError, match="refused"):
        async with connect(
            site, await site.task(pending()), headers={"Origin": "http://evil.example"}
        ):
            pass


async def test_client_that_goes_away_is_let_go(site: Site) -> None:
    """In the middle of subscribing, too; others go on."""
    tasks = [await site.task(pending()) for _ in range(10)]
    async with connect(site, *tasks) as staying:
        await staying.first()
        for number in range(5):
            async with connect(site, *tasks) as leaving:
                for _ in range(number):
                    await leaving.next()
        await tasks[0].play(started(), success())
        try:
            await staying.until("SUCCESS")
        except StreamEnded as stop:
            pytest.fail(str(stop))
