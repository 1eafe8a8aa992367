"""Pages of other sites: cross-site WebSockets, DNS rebinding, CORS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.acceptance.faults.wire import ask
from tests.harness.clients import StreamEnded
from tests.harness.servers import start_daphne
from tests.harness.site import Site
from tests.harness.steps import pending, started

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes

FRIENDS = ["https://friend.example", "https://other.example:8443"]
OURS = ["http://127.0.0.1", "http://localhost:3000", "https://good.example"]
FOREIGN = [
    "http://evil.example",
    "null",
    "",
    "garbage",
    "file://",
    "http://",
    "http://good.example.evil.example",
    "http://evilgood.example",
    "http://good.example@evil.example",
    "http://evil.example/good.example",
    "http://evil.example#good.example",
    "http://good.example:99999",
    "http://friend.example",
    "https://friend.example:8443",
    "https://friend.example.evil.example",
    "javascript:alert(1)",
]


@pytest.fixture(scope="module")
def open_site(processes: Processes, environment_of: Callable[[Layer], Environment]) -> Site:
    """Return a site that lets pages of two other origins in."""
    environment = environment_of("memory").with_settings(ALLOWED_ORIGINS=FRIENDS)
    return Site(layer="memory", servers=(start_daphne(processes, environment, name="open"),))


async def path_of(site: Site) -> bytes:
    """Return the path, with a good token, of a new task."""
    task = await site.task(pending(), started())
    return f"/task_status/{task.id}/?token={task.token}".encode()


async def test_a_websocket_is_opened_by_our_pages_and_by_friends_alone(open_site: Site) -> None:
    """Even a good token does not help a page of another origin; no page at all is no matter."""
    path, url = await path_of(open_site), open_site.server(0).url
    assert (await ask(url, "websocket", path)).status == 101
    for origin in [*OURS, *FRIENDS]:
        answer = await ask(url, "websocket", path, headers={b"Origin": origin.encode()})
        assert answer.status == 101, origin
        assert b'"STARTED"' in answer.raw, origin
    for origin in FOREIGN:
        answer = await ask(url, "websocket", path, headers={b"Origin": origin.encode()})
        # Daphne itself refuses one that it can't read.
        assert answer.status in {400, 403}, origin
        assert b'"STARTED"' not in answer.raw, origin


@pytest.mark.parametrize("transport", ["sse", "longpoll"])
async def test_cors_headers_are_for_friends_alone(open_site: Site, transport: str) -> None:
    """The exact origin is named, never a star, never with cookies."""
    path, url = await path_of(open_site), open_site.server(0).url
    origins = [*FRIENDS, *FOREIGN, *OURS]
    asking = (ask(url, transport, path, headers={b"Origin": origin.encode()}) for origin in origins)
    for origin, answer in zip(origins, await asyncio.gather(*asking), strict=True):
        head = answer.head
        named = head.get("access-control-allow-origin")
        assert named == (origin if origin in FRIENDS else None), origin
        assert "access-control-allow-credentials" not in head
        assert "origin" in head["vary"].lower()


@pytest.mark.parametrize("transport", ["sse", "longpoll"])
async def test_a_preflight_is_answered_to_friends_alone(open_site: Site, transport: str) -> None:
    """Which methods and headers may be sent is told to whom it concerns."""
    url = open_site.server(0).url
    for origin in [FRIENDS[0], FOREIGN[0]]:
        headers = {b"Origin": origin.encode(), b"Access-Control-Request-Method": b"GET"}
        answer = await ask(url, transport, b"/task_status/x/", method=b"OPTIONS", headers=headers)
        if origin in FRIENDS:
            assert answer.status == 204
            assert answer.head["access-control-allow-methods"] == "GET"
            assert "last-event-id" in answer.head["access-control-allow-headers"]
        else:
            assert answer.status == 405
            assert not any(name.startswith("access-control") for name in answer.head)


@pytest.mark.parametrize("transport", ["sse", "longpoll", "snapshot"])
async def test_a_name_that_is_not_ours_is_refused(open_site: Site, transport: str) -> None:
    """A page that has rebound its own name to our address reads nothing."""
    path, url = await path_of(open_site), open_site.server(0).url
    port = str(urlsplit(url).port).encode()
    for host in (b"evil.example", b"evil.example:" + port, b"127.0.0.1.evil.example", b"", b"a b"):
        answer = await ask(url, transport, path, headers={b"Host": host})
        assert answer.status == 400, host
        assert b'"STARTED"' not in answer.raw


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_a_stream_ends_with_its_token(open_site: Site, transport: str) -> None:
    """An open stream is no longer allowed than its token, and is not opened again."""
    task = await open_site.task(pending(), started())
    token = await task.new_token(max_age=1.5)
    async with asyncio.timeout(10), task.follow(transport, token=token) as client:
        await client.next()
        with pytest.raises(StreamEnded):
            await client.next()
    async with task.follow(transport, token=token, after=client.cursor) as again:
        assert (await again.ended()).code in {403, 4403}
