"""Behind a GRIP proxy the server answers at once and publishes to the proxy what follows."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import steps
from tests.harness.clients.event_stream import EventStreamParser
from tests.harness.clients.http import http_client
from tests.project_eventstream.proxy import grip_proxy
from tests.project_eventstream.server import start_eventstream_daphne

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.harness.clients.event_stream import Event
    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes
    from tests.harness.servers import Server
    from tests.harness.site import DrivenTask, Site
    from tests.project_eventstream.proxy import GripProxy


@pytest.fixture(scope="module")
def proxy() -> Iterator[GripProxy]:
    """Yield the proxy that the server knows."""
    with grip_proxy() as running:
        yield running


@pytest.fixture(scope="module")
def origin(
    processes: Processes, environment_of: Callable[[Layer], Environment], proxy: GripProxy
) -> Iterator[Server]:
    """Yield the server behind the proxy; it is stopped before the proxy is."""
    server = start_eventstream_daphne(processes, environment_of("pubsub"), grip_url=proxy.url)
    yield server
    server.process.stop()


@pytest.fixture(scope="module")
def site(site_on: Callable[[Layer], Site]) -> Site:
    """Return the site whose servers play the tasks."""
    return site_on("pubsub")


async def get(origin: Server, url: str, headers: dict[str, str]) -> httpx.Response:
    """Return the answer to a request of the proxy's; it is no stream, but whole."""
    async with http_client(origin.url) as client:
        return await client.get(url, headers=headers)


def states(response: httpx.Response) -> list[str]:
    """Return the states that a response tells."""
    events: list[Event] = EventStreamParser().feed(response.content)
    return [json.loads(event.data)["state"] for event in events if event.type == "status"]


def position(response: httpx.Response, task: DrivenTask) -> str:
    """Return where the proxy is told to go on."""
    found = re.search(rf"events-task-{task.id}; prev-id=(\d+)", response.headers["Grip-Channel"])
    assert found is not None
    return found[1]


async def test_hands_the_stream_over_to_the_proxy(
    origin: Server, site: Site, proxy: GripProxy
) -> None:
    """The answer holds the snapshot, and tells the proxy to hold and where the stream stands."""
    task = await site.task(steps.pending(), steps.started())
    snapshot = (await task.snapshot()).json()
    response = await get(origin, f"/events/{task.id}/?token={task.token}", proxy.headers())
    assert response.headers["Grip-Hold"] == "stream"
    assert states(response) == ["STARTED"]
    assert position(response, task) == snapshot["cursor"]
    await task.play(steps.success())


async def test_publishes_what_follows(origin: Server, site: Site, proxy: GripProxy) -> None:
    """Each message goes to the proxy with its cursor and the one before, until the task's end."""
    task = await site.task(steps.pending(), steps.started())
    response = await get(origin, f"/events/{task.id}/?token={task.token}", proxy.headers())
    last = position(response, task)
    played = (steps.log("100 % done"), steps.custom("CLEANUP"), steps.success(1))
    for step in played:
        await task.play(step)
        item = await item_of(proxy, task)
        assert item["prev-id"] == last
        last = item["id"]
        content = item["http-stream"]["content"]
        # The proxy puts the id in, from its own format string, in which a % stands doubled.
        event = EventStreamParser().feed(content.replace("%I", last).replace("%%", "%").encode())[0]
        message = json.loads(event.data)
        assert (event.last_event_id, message["cursor"]) == (last, last)
        assert message.get("state") == step.state


async def item_of(proxy: GripProxy, task: DrivenTask) -> dict[str, Any]:
    """Return the next item that is published for a task."""
    while (item := await asyncio.to_thread(proxy.take))["channel"] != f"events-task-{task.id}":
        pass
    return item


async def test_tells_the_proxy_again_what_was_lost_on_the_way(
    origin: Server, site: Site, proxy: GripProxy
) -> None:
    """The proxy asks again after a silence, with nothing but the URL that it was given."""
    task = await site.task(steps.pending())
    first = await get(origin, f"/events/{task.id}/?token={task.token}", proxy.headers())
    link = re.fullmatch(r"<(.+)>; rel=next; timeout=1", first.headers["Grip-Link"])
    assert link is not None
    await task.play(steps.started(), steps.success())
    last = f"events-task-{task.id}; last-id={position(first, task)}"
    again = await get(origin, link[1], proxy.headers(**{"Grip-Last": last}))
    assert states(again) == ["STARTED", "SUCCESS"]


async def test_remembers_for_the_proxy_who_asked(
    origin: Server, site: Site, proxy: GripProxy
) -> None:
    """A session's cookie comes with the first request alone; the link says whose stream it is."""
    async with http_client(origin.url) as client:
        user = (await client.get("/login/?user=grip-owner")).json()["user_id"]
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    task = await site.task(steps.pending(), owner=user)
    first = await get(origin, f"/events/{task.id}/", proxy.headers(Cookie=cookie))
    assert states(first) == ["PENDING"]
    link = first.headers["Grip-Link"].partition(">")[0].removeprefix("<")
    await task.play(steps.success())
    last = f"events-task-{task.id}; last-id={position(first, task)}"
    again = await get(origin, link, proxy.headers(**{"Grip-Last": last}))
    assert states(again) == ["SUCCESS"]
    forged = await get(origin, link, proxy.headers(**{"Grip-Last": last.replace("=", "=x")}))
    assert forged.status_code == 400


async def test_holds_nothing_for_strangers(origin: Server, site: Site, proxy: GripProxy) -> None:
    """Without access there is an error in the answer, and nothing for the proxy to hold."""
    task = await site.task(steps.pending(), steps.success({"secret": 1}))
    response = await get(origin, f"/events/{task.id}/", proxy.headers())
    assert "Grip-Hold" not in response.headers
    assert [event.type for event in EventStreamParser().feed(response.content)] == ["stream-error"]


async def test_refuses_a_position_that_is_none(
    origin: Server, site: Site, proxy: GripProxy
) -> None:
    """A position in Grip-Last that is no number is an error, not a failure."""
    task = await site.task(steps.pending())
    last = proxy.headers(**{"Grip-Last": f"events-task-{task.id}; last-id=abc"})
    url = f"/events/{task.id}/?token={task.token}&recover=true"
    response = await get(origin, url, last)
    assert [event.type for event in EventStreamParser().feed(response.content)] == ["stream-error"]
