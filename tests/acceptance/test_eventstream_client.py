"""Stock clients of django-eventstream read tasks' streams from its own view, on a real Daphne."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import jwt
import pytest
from django.conf import settings

from tests.harness import steps
from tests.harness.clients.http import http_client
from tests.project_eventstream.client import EventSource, StreamOver
from tests.project_eventstream.server import start_eventstream_daphne

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes
    from tests.harness.servers import Server
    from tests.harness.site import DrivenTask, Site


@pytest.fixture(scope="module")
def viewer(processes: Processes, environment_of: Callable[[Layer], Environment]) -> Server:
    """Return a Daphne with django-eventstream's views; tasks live in other processes."""
    return start_eventstream_daphne(processes, environment_of("pubsub"))


@pytest.fixture(scope="module")
def site(site_on: Callable[[Layer], Site]) -> Site:
    """Return the site whose servers play the tasks."""
    return site_on("pubsub")


@pytest.fixture(params=["events", "stock"])
def view(request: pytest.FixtureRequest) -> str:
    """Return which view serves the stream: ours around django-eventstream's, and that itself."""
    return str(request.param)


def channel(task: DrivenTask) -> str:
    """Return the channel of a task as django-eventstream writes it in ids."""
    return "task-" + quote(task.id)


async def test_reads_the_snapshot_and_what_follows(viewer: Server, site: Site, view: str) -> None:
    """A client that names no position gets the current state, then each change, live."""
    task = await site.task(steps.pending(), steps.started(), steps.progress(1, 4))
    async with EventSource(f"{viewer.url}/{view}/{task.id}/?token={task.token}") as source:
        assert (await source.any_event()).type == "stream-open"
        assert (await source.status())["progress"]["current"] == 1
        await task.play(steps.progress(3, 4))
        assert (await source.status())["progress"]["current"] == 3
        await task.play(steps.success({"rows": 4}))
        last = await source.status()
    assert (last["state"], last["result"], last["ready"]) == ("SUCCESS", {"rows": 4}, True)


async def test_carries_the_bytes_and_cursors_of_our_own_transports(
    viewer: Server, site: Site, view: str
) -> None:
    """An event's data is the message as our SSE endpoint has it, its id the channel and cursor."""
    task = await site.task(steps.pending(), steps.started(), steps.progress(1, 2, "naïve"))
    own_url = f"{viewer.url}/sse/task_status/{task.id}/?token={task.token}"
    async with (
        EventSource(own_url) as own,
        EventSource(f"{viewer.url}/{view}/{task.id}/?token={task.token}") as source,
    ):
        snapshot = await own.event(), await source.event()
        await task.play(steps.failure())
        change = await own.event(), await source.event()
    for expected, got in (snapshot, change):
        assert got.data == expected.data
        assert got.last_event_id == f"{channel(task)}:{expected.last_event_id}"


async def test_resumes_by_the_last_event_id(viewer: Server, site: Site, view: str) -> None:
    """A client that comes back gets exactly what it has missed, however much, then goes on."""
    task = await site.task(steps.pending(), steps.started())
    async with EventSource(f"{viewer.url}/{view}/{task.id}/?token={task.token}") as source:
        assert (await source.status())["state"] == "STARTED"
        lines = [f"line {number}" for number in range(130)]
        story = (*(steps.log(line) for line in lines), steps.custom("CLEANUP"))
        await task.play(*story, server=viewer)  # which keeps that much
        await source.reopen()
        got = [json.loads((await source.event("log")).data)["message"] for _ in lines]
        assert got == lines
        assert (await source.status())["state"] == "CLEANUP"
        await task.play(steps.success())
        assert (await source.status())["state"] == "SUCCESS"


async def test_takes_the_position_from_the_query_too(viewer: Server, site: Site, view: str) -> None:
    """The bundled client resumes by ``lastEventId`` in the query."""
    task = await site.task(steps.pending())
    url = f"{viewer.url}/{view}/{task.id}/?token={task.token}"
    async with EventSource(url) as source:
        await source.status()
        position = source.last_event_id
    await task.play(steps.started())
    async with EventSource(f"{url}&lastEventId={quote(position)}") as source:
        assert (await source.status())["state"] == "STARTED"


async def test_resets_when_the_position_is_no_longer_kept(
    viewer: Server, site: Site, view: str
) -> None:
    """A cursor from before what is kept is answered by ``stream-reset`` and the snapshot."""
    task = await site.task(steps.pending(), steps.started())
    source = EventSource(f"{viewer.url}/{view}/{task.id}/?token={task.token}")
    source.last_event_id = f"{channel(task)}:17"
    async with source:
        reset = await source.event("stream-reset", "status")
        assert (reset.type, json.loads(reset.data)) == (
            "stream-reset",
            {"channels": [f"task-{task.id}"]},
        )
        assert (await source.status())["state"] == "STARTED"
        await task.play(steps.success())
        assert (await source.status())["state"] == "SUCCESS"


async def test_loses_nothing_of_a_burst(viewer: Server, site: Site, view: str) -> None:
    """More events at once than a stream's queue holds (10), and no more than are kept (50)."""
    task = await site.task(steps.pending(), steps.started())
    async with EventSource(f"{viewer.url}/{view}/{task.id}/?token={task.token}") as source:
        await source.status()
        lines = [f"line {number}" for number in range(40)]
        await task.play(*(steps.log(line) for line in lines))
        events = [await source.event("log", "status") for _ in lines]
        await task.play(steps.success())
        assert (await source.status())["state"] == "SUCCESS"
    assert [json.loads(event.data)["message"] for event in events] == lines


async def test_hears_what_the_channel_layer_has_lost(viewer: Server, site: Site, view: str) -> None:
    """A change of which no group message came is found by reconciling."""
    task = await site.task(steps.pending())
    async with EventSource(f"{viewer.url}/{view}/{task.id}/?token={task.token}") as source:
        assert (await source.status())["state"] == "PENDING"
        assert site.mute is not None
        await task.play(steps.started(), steps.success(), server=site.mute)
        assert (await source.statuses_until("SUCCESS"))[0]["state"] == "STARTED"


async def test_waits_for_a_task_that_is_unknown_as_yet(
    viewer: Server, site: Site, view: str
) -> None:
    """A stream that was opened before its task was enqueued carries it from the first state on."""
    task = await site.task()
    async with EventSource(f"{viewer.url}/{view}/{task.id}/?token={task.token}") as source:
        assert (await source.any_event()).type == "stream-open"
        await task.play(steps.pending())
        assert (await source.status())["state"] == "PENDING"
        await task.play(steps.success())
        assert (await source.status())["state"] == "SUCCESS"


async def test_reads_several_tasks_in_one_stream(viewer: Server, site: Site, view: str) -> None:
    """Tasks named as channels share a stream, in which a busy one makes no other repeat itself."""
    quiet = await site.task(steps.pending(), steps.started(), steps.success())
    busy = await site.task()
    await busy.play(steps.pending(), server=viewer)
    session = await session_that_may_read_all(viewer)
    url = f"{viewer.url}/{view}/?channel=task-{busy.id}"
    async with EventSource(url, headers=session) as source:
        await source.status()
        position = source.last_event_id
    lines = [f"line {number}" for number in range(120)]
    await busy.play(*map(steps.log, lines), server=viewer)
    source = EventSource(f"{url}&channel=task-{quiet.id}", headers=session)
    source.last_event_id = position
    async with source:
        events = [await source.event("log", "status") for _ in [*lines, "the snapshot"]]
        await busy.play(steps.started(), server=viewer)
        events.append(await source.event("log", "status"))
    messages = [json.loads(event.data) for event in events]
    assert [message["task_id"] for message in messages].count(quiet.id) == 1
    assert [message["message"] for message in messages if message["type"] == "log"] == lines
    assert (messages[-1]["task_id"], messages[-1]["state"]) == (busy.id, "STARTED")


async def session_that_may_read_all(viewer: Server) -> dict[str, str]:
    """Return the headers of a session whose user may read every task."""
    async with http_client(viewer.url) as client:
        answer = await client.get("/login/?user=reader&permission=view_taskstatus")
    return {"Cookie": f"sessionid={answer.cookies['sessionid']}"}


@pytest.mark.parametrize("access", ["", "?token=forged", "?token={other}"])
async def test_is_closed_to_strangers(viewer: Server, site: Site, view: str, access: str) -> None:
    """Without a token for this very task there is an error and no stream, and no coming back."""
    task = await site.task(steps.pending(), steps.success({"secret": 1}))
    other = await site.task(steps.pending())
    url = f"{viewer.url}/{view}/{task.id}/{access.format(other=other.token)}"
    async with EventSource(url) as source:
        error = await source.event("stream-error", "status")
        assert (error.type, json.loads(error.data)["condition"]) == ("stream-error", "forbidden")
        with pytest.raises(StreamOver):
            await source.any_event()
        await source.reopen()
        assert source.response.status_code == 400


@pytest.mark.parametrize("position", ["{}:abc", "{}:-1", "{}:٣", "{}:", "7", "{}:1:2", ","])
async def test_refuses_a_malformed_position(
    viewer: Server, site: Site, view: str, position: str
) -> None:
    """A Last-Event-ID that is none of ours is an error of the client's, not of the server's."""
    task = await site.task(steps.pending())
    position = quote(position.format(channel(task)))
    url = f"{viewer.url}/{view}/{task.id}/?token={task.token}&lastEventId={position}"
    async with EventSource(url) as source:
        error = await source.event("stream-error", "status")
        assert (error.type, json.loads(error.data)["condition"]) == ("stream-error", "bad-request")


async def test_serves_the_site_s_own_channels_beside(viewer: Server, view: str) -> None:
    """A channel that is no task's belongs to the site's own manager; ``send_event`` reaches it."""
    async with EventSource(f"{viewer.url}/{view}/?channel=news") as source:
        assert (await source.any_event()).type == "stream-open"
        async with http_client(viewer.url) as client:
            assert (await client.post("/news/")).status_code == 204
        assert json.loads((await source.event("message")).data) == {"text": "hello"}


async def test_believes_no_stranger(viewer: Server, site: Site) -> None:
    """What only a GRIP proxy has to say is ignored or refused when it is made up."""
    task = await site.task(steps.pending())
    url = f"{viewer.url}/events/{task.id}/"
    async with EventSource(f"{url}?token={task.token}&es-meta=forged") as source:
        assert (await source.status())["state"] == "PENDING"
    made_up = {"Grip-Last": f"events-{channel(task)}; last-id=abc"}
    async with EventSource(f"{url}?token={task.token}&recover=true", headers=made_up) as source:
        assert (await source.event("stream-error", "status")).type == "stream-error"
    claim = {"exp": int(time.time()) + 60, "channels": [f"task-{task.id}"], "user": "0"}
    forged = jwt.encode(claim, "another-key-than-the-secret-of-this-site")
    async with EventSource(f"{url}?es-meta={forged}") as source:
        assert (await source.event("stream-error", "status")).type == "stream-error"


async def test_refuses_a_user_who_is_no_more(viewer: Server, site: Site) -> None:
    """A proxy that comes back for a deleted user gets nothing."""
    task = await site.task(steps.pending())
    claim = {"exp": int(time.time()) + 60, "channels": [f"task-{task.id}"], "user": "0"}
    meta = jwt.encode(claim, settings.SECRET_KEY)
    async with EventSource(f"{viewer.url}/events/{task.id}/?es-meta={meta}") as source:
        assert source.response.status_code == 403


async def test_serves_nothing_but_get(viewer: Server, site: Site) -> None:
    """Another method is refused by our view."""
    task = await site.task(steps.pending())
    async with http_client(viewer.url) as client:
        response = await client.head(f"/events/{task.id}/?token={task.token}")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET")
