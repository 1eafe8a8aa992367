"""With the store away, a request is answered soon and says when to come back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from config.demo.redis_server import free_port
from tests.harness.clients import TRANSPORTS, End, StreamEnded
from tests.harness.clients.base import encode_id
from tests.harness.clients.bundle import BUNDLES
from tests.harness.clients.http import http_client
from tests.harness.servers import start_daphne

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes
    from tests.harness.servers import Server
    from tests.harness.site import Site


@pytest.fixture(scope="module")
def cut_off(processes: Processes, environment_of: Callable[[Layer], Environment]) -> Server:
    """Return a server whose Redis is not there."""
    environment = environment_of("pubsub")
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    elsewhere = type(environment)(layer="pubsub", redis_url=nowhere, database=environment.database)
    return start_daphne(processes, elsewhere, name="cut-off")


@pytest.fixture
async def token(site_on: Callable[[Layer], Site]) -> str:
    """Return a token for the task ``some``, made where all is well."""
    return await (await site_on("memory").task(task_id="some")).new_token()


@pytest.mark.parametrize("transport", ["sse", "longpoll"])
async def test_a_stream_is_unavailable(cut_off: Server, token: str, transport: str) -> None:
    """503 with Retry-After, as a problem, and within seconds."""
    begin = time.monotonic()
    async with TRANSPORTS[transport](cut_off.url, "some", token=token) as client:
        ended = await client.ended()
    assert time.monotonic() - begin < 5
    assert ended.reason is End.UNAVAILABLE
    assert ended.headers["retry-after"].isdigit()
    assert ended.headers["content-type"] == "application/problem+json"
    assert b'"store_unavailable"' in ended.body


async def test_a_snapshot_is_unavailable(cut_off: Server, token: str) -> None:
    """The view says the same."""
    async with http_client(cut_off.url) as client:
        response = await client.get(f"/task_status/{encode_id('some')}/", params={"token": token})
    assert response.status_code == 503
    assert response.headers["retry-after"].isdigit()
    assert response.json()["code"] == "store_unavailable"


async def test_a_websocket_asks_to_come_back(cut_off: Server, token: str) -> None:
    """A client of the WebSocket is sent away, neither as a stranger nor as at the end."""
    begin = time.monotonic()
    async with TRANSPORTS["websocket"](cut_off.url, "some", token=token) as client:
        ended = await client.ended()
    assert time.monotonic() - begin < 5
    assert ended.reason in {End.COME_BACK, End.UNAVAILABLE, End.CUT}
    assert ended.code not in {1000, 4400, 4403, 4404}


@pytest.mark.parametrize("transport", list(TRANSPORTS))
async def test_what_needs_no_store_is_answered_all_the_same(
    cut_off: Server, token: str, transport: str
) -> None:
    """Malformed and forbidden are told apart from unavailable."""
    async with TRANSPORTS[transport](cut_off.url, "some", token=token, after="x") as client:
        assert (await client.ended()).reason is End.BAD_REQUEST
    async with TRANSPORTS[transport](cut_off.url, "some", token="x") as client:
        assert (await client.ended()).reason is End.FORBIDDEN


@pytest.mark.parametrize("transport", list(BUNDLES))
async def test_several_streams_are_unavailable_as_one(
    cut_off: Server, token: str, transport: str
) -> None:
    """The whole request is answered as one for a single task, refused ones or not."""
    begin = time.monotonic()
    async with BUNDLES[transport](cut_off.url, "other", "some", tokens=[token]) as client:
        while True:
            try:
                await client.next()
            except StreamEnded as stop:
                ended = stop.ended
                break
    assert time.monotonic() - begin < 5
    assert ended.code == (4412 if transport == "websocket" else 503)
