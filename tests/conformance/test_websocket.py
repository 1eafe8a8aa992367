"""What only the WebSocket has: frames of the client, close codes, heartbeats and origins."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.clients import End, WebSocketClient
from tests.harness.clients.http import http_client
from tests.harness.steps import pending, started, success

if TYPE_CHECKING:
    from tests.harness.site import DrivenTask, Site


def follow(task: DrivenTask, **options: Any) -> WebSocketClient:
    """Return a WebSocket client of the task."""
    client = task.follow("websocket", **options)
    assert isinstance(client, WebSocketClient)
    return client


class AtPath(WebSocketClient):
    """A client of a path that is no stream."""

    def __init__(self, base_url: str, path: str) -> None:
        super().__init__(base_url, "x")
        self._path = path

    @property
    def path(self) -> str:
        """The path as it was given."""
        return self._path


LARGEST = json.dumps({"pad": "x" * 4_085})


@pytest.mark.parametrize(
    "frame",
    ["{}", "[]", "null", "1", '"text"', ' {"type": "subscribe"} ', '{"ü": "🎉"}', LARGEST],
    ids=lambda frame: frame[:12],
)
async def test_a_small_json_frame_is_ignored(site: Site, frame: str) -> None:
    """A client may say what it likes in JSON; the stream goes on."""
    assert len(frame.encode()) <= 4096
    task = await site.task(pending())
    async with follow(task) as client:
        await client.next()
        await client.send(frame)
        await task.play(started(), success())
        await client.collect()
    assert client.states == ["PENDING", "STARTED", "SUCCESS"]


@pytest.mark.parametrize(
    "frame",
    [
        *("", "hello", "{", "{'a': 1}", "NaN", '{"a":1}{"b":2}', "\x00", LARGEST + " "),
        *(json.dumps("x" * 5_000), json.dumps("é" * 4_000, ensure_ascii=False), "[" * 4_000),
        *(b"", b"{}", b"\xff\xfe"),
    ],
    ids=lambda frame: repr(frame[:12]),
)
async def test_any_other_frame_closes_with_4400(site: Site, frame: str | bytes) -> None:
    """Junk, binary frames and frames over 4 KiB are bad requests."""
    task = await site.task(pending())
    async with follow(task) as client:
        await client.next()
        await client.send(frame)
        ended = await client.ended(timeout=5)
    assert (ended.reason, ended.code) == (End.BAD_REQUEST, 4400)


async def test_a_huge_frame_does_not_hurt_the_server(site: Site) -> None:
    """A frame over what the server's library takes ends the connection, and nothing else."""
    task = await site.task(pending())
    async with follow(task) as client:
        await client.next()
        await client.send(json.dumps("x" * 2_000_000))
        assert (await client.ended()).code in {4400, 1009, 1006}
    async with follow(task) as client:
        assert (await client.next()).state == "PENDING"


async def test_a_client_that_goes_away_is_let_go(site: Site) -> None:
    """Closing from the client's side is no error, and others go on."""
    task = await site.task(pending())
    async with follow(task) as staying:
        await staying.next()
        for _ in range(5):
            async with follow(task) as leaving:
                await leaving.next()
        await task.play(started(), success())
        assert (await staying.collect())[-1].state == "SUCCESS"


async def test_a_heartbeat_comes_to_those_who_ask(site: Site) -> None:
    """With heartbeat=1 an idle connection carries a message without a place in the stream."""
    task = await site.task(pending())
    async with follow(task, params={"heartbeat": "1"}) as client:
        await client.next()
        beats = [await client.next(timeout=5) for _ in range(2)]
        assert [beat.data for beat in beats] == [{"type": "heartbeat"}] * 2
        await task.play(started())
        async with asyncio.timeout(5):
            while (message := await client.next()).type == "heartbeat":
                pass
        assert message.state == "STARTED"


@pytest.mark.parametrize("params", [{}, {"heartbeat": "0"}])
async def test_no_heartbeat_comes_unasked(site: Site, params: dict[str, str]) -> None:
    """Without the parameter an idle connection carries no message."""
    task = await site.task(pending())
    async with follow(task, params=params) as client:
        await client.next()
        with pytest.raises(TimeoutError):
            await client.next(timeout=1.5)


async def test_a_heartbeat_that_is_neither_on_nor_off_is_malformed(site: Site) -> None:
    """A bad value of a parameter that is known is a bad request."""
    task = await site.task(pending())
    async with follow(task, params={"heartbeat": "often"}) as client:
        assert (await client.ended()).code == 4400


@pytest.mark.parametrize(
    "origin", ["{own}", "http://127.0.0.1", "http://localhost:3000", "https://good.example"]
)
async def test_an_origin_of_an_allowed_host_is_let_through(site: Site, origin: str) -> None:
    """A page of one of our own hosts may connect."""
    task = await site.task(pending())
    headers = {"Origin": origin.format(own=site.server(-1).url)}
    async with follow(task, headers=headers) as client:
        assert (await client.next()).state == "PENDING"


@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.example", "https://good.example.evil.example", "null", "http://", "x"),
        *("https://evilgood.example", "file://", "http://good.example@evil.example", "http://["),
    ],
)
async def test_a_foreign_origin_is_refused(site: Site, origin: str) -> None:
    """A page of another site may not, even with a token; the refusal is in order.

    Daphne itself answers 400 to an Origin that is no URL.
    """
    task = await site.task(pending())
    async with follow(task, headers={"Origin": origin}) as client:
        ended = await client.ended()
    assert ended.code in {400, 403, 4403}


async def test_a_client_without_an_origin_is_let_through(site: Site) -> None:
    """Programs send no Origin, and need none."""
    task = await site.task(pending())
    async with follow(task) as client:
        assert (await client.next()).state == "PENDING"


@pytest.mark.parametrize("path", ["/ws/", "/ws/nothing/", "/", "/ws/task_status/a"])
async def test_any_other_path_is_refused_in_order(site: Site, path: str) -> None:
    """A WebSocket to where there is none gets an answer and leaves no traceback."""
    async with AtPath(site.server(0).url, path) as client:
        ended = await client.ended()
    assert ended.code in {403, 404, 4400, 4403, 4404}


async def test_plain_http_to_a_websocket_is_no_server_error(site: Site) -> None:
    """A GET without an upgrade is answered with a client error."""
    task = await site.task(pending())
    async with http_client(site.server(0).url) as client:
        response = await client.get(follow(task).path)
    assert 400 <= response.status_code < 500
