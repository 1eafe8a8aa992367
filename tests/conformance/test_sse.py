"""What only Server-Sent Events have: headers, fields, comments, Last-Event-ID and 204."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.clients import End, SseClient
from tests.harness.clients.event_stream import EventStreamParser
from tests.harness.clients.http import http_client
from tests.harness.steps import log, pending, progress, started, success

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.harness.site import DrivenTask, Site


def follow(task: DrivenTask, **options: Any) -> SseClient:
    """Return an SSE client of the task."""
    client = task.follow("sse", **options)
    assert isinstance(client, SseClient)
    return client


@contextlib.asynccontextmanager
async def streaming(
    task: DrivenTask, *, headers: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[httpx.Response]:
    """Open the bare response of a stream."""
    client = task.follow("sse", **options)
    async with (
        http_client(client.base_url) as http,
        http.stream("GET", client.path, headers=headers) as response,
    ):
        yield response


async def test_the_headers_keep_proxies_from_holding_the_stream(site: Site) -> None:
    """The type is exact, nothing is cached, transformed, buffered or compressed."""
    task = await site.task(pending())
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip, br, deflate"}
    async with streaming(task, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache, no-transform"
        assert response.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in response.headers
        assert "content-length" not in response.headers


async def test_the_stream_opens_with_retry_and_a_comment(site: Site) -> None:
    """The first bytes come at once, and tell a browser when to come back."""
    task = await site.task(pending())
    async with streaming(task) as response:
        stream = b""
        async with asyncio.timeout(5):
            async for chunk in response.aiter_raw():
                stream += chunk
                if b"\n\nevent:" in stream.replace(b"\r\n", b"\n"):
                    break
    opening = stream.decode().replace("\r\n", "\n").partition("event:")[0]
    assert opening.startswith("retry: ")
    assert opening.splitlines()[0].removeprefix("retry: ").isdigit()
    assert any(line.startswith(":") for line in opening.splitlines())


async def test_the_time_to_come_back_is_different_for_each(site: Site) -> None:
    """After a restart of the server not all clients come back at once."""
    task = await site.task(pending())
    times = set()
    for _ in range(8):
        async with follow(task) as client:
            await client.next()
            times.add(client.parser.retry)
    assert len(times) > 1
    assert all(time is not None and 500 <= time <= 30_000 for time in times)


async def test_each_event_has_its_type_id_and_data(site: Site) -> None:
    """event is the message's type, id its cursor, data its JSON, on the wire as in the standard."""
    task = await site.task(pending(), started(), log("line"), success("x"))
    parser = EventStreamParser()
    async with streaming(task, after=None, types="status,log") as response:
        stream = await response.aread()
    events = parser.feed(stream)
    assert [event.type for event in events] == ["status"]
    block = next(part for part in stream.decode().split("\n\n") if part.startswith("event:"))
    assert [line.partition(": ")[0] for line in block.splitlines()] == ["event", "id", "data"]
    assert f"id: {events[0].last_event_id}" in block.splitlines()


async def test_an_idle_stream_carries_comments(site: Site) -> None:
    """A comment now and then keeps proxies and finds dead peers, and is no event."""
    task = await site.task(pending())
    async with follow(task) as client:
        await client.next()
        opening = len(client.parser.comments)
        with pytest.raises(TimeoutError):
            await client.next(timeout=1.5)
        assert len(client.parser.comments) > opening


async def test_a_heartbeat_comes_to_those_who_ask(site: Site) -> None:
    """With heartbeat=1 an idle stream carries events that a page can see, without an id."""
    task = await site.task(pending())
    async with follow(task, params={"heartbeat": "1"}) as client:
        first = await client.next()
        assert (await client.next(timeout=5)).data == {"type": "heartbeat"}
        assert client.parser.last_event_id == first.cursor


async def test_last_event_id_resumes(site: Site) -> None:
    """What a browser sends when it reconnects is a cursor."""
    task = await site.task(pending())
    async with follow(task) as client:
        cursor = (await client.next()).cursor
    await task.play(started(), progress(1, 2))
    async with follow(task, headers={"Last-Event-ID": cursor}) as client:
        assert (await client.next()).state == "STARTED"


async def test_last_event_id_wins_over_after(site: Site) -> None:
    """The URL keeps its old cursor when a browser reconnects; the header is the newer one."""
    task = await site.task(pending())
    async with follow(task) as client:
        first = (await client.next()).cursor
        await task.play(started())
        second = (await client.next()).cursor
    await task.play(progress(1, 2))
    async with follow(task, after=first, headers={"Last-Event-ID": second}) as client:
        assert (await client.next()).state == "PROGRESS"


@pytest.mark.parametrize("cursor", ["x", "-1", "1,2", "1" * 17, "1" * 10_000, "\u00e9", "c1:abc"])
async def test_a_malformed_last_event_id_is_a_bad_request(site: Site, cursor: str) -> None:
    """The header is looked at as closely as the parameter."""
    task = await site.task(pending())
    async with follow(task, headers={"Last-Event-ID": cursor}) as client:
        assert (await client.ended()).reason is End.BAD_REQUEST


async def test_a_reconnect_after_the_end_gets_204(site: Site) -> None:
    """A browser stops for good, by the header as by the parameter."""
    task = await site.task(pending(), started(), success())
    async with follow(task) as client:
        cursor = (await client.collect())[-1].cursor
    for options in ({"headers": {"Last-Event-ID": cursor}}, {"after": cursor}):
        async with follow(task, **options) as client:
            ended = await client.ended()
        assert (ended.code, ended.body) == (204, b"")


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_not_allowed(site: Site, method: str) -> None:
    """A stream can be read and nothing else."""
    task = await site.task(pending())
    async with http_client(site.server(0).url) as client:
        response = await client.request(method, follow(task).path)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"


async def test_a_client_that_goes_away_is_let_go(site: Site) -> None:
    """Leaving in the middle of a stream is no error, and others go on."""
    task = await site.task(pending())
    async with follow(task) as staying:
        await staying.next()
        for _ in range(5):
            async with follow(task) as leaving:
                await leaving.next()
        await task.play(started(), success())
        assert (await staying.collect())[-1].state == "SUCCESS"
