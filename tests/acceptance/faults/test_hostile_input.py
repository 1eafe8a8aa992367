"""Ids, cursors and parameters that nobody means well by."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.faults.wire import PREFIXES, ask
from tests.harness.clients.http import http_client
from tests.harness.steps import log, pending, progress, started

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.faults.wire import Answer
    from tests.harness.environment import Layer
    from tests.harness.servers import Server
    from tests.harness.site import Site

CANARY = "canary-in-the-coal-mine"
#: Ids as they stand in the path.
IDS = [
    b"%00", b"a%00b", b"a%0A", b"a%0Ab", b"%0D%0A", b"a%0D%0ASet-Cookie:x=1", b"%1B[2J", b"%7F",
    b"%C2%85", b"%E2%80%A8", b"%D9%A1%D9%A2%D9%A3", b"%F0%9F%8E%89", b"%FF%FE", b"%C0%AF",
    b"%ED%A0%80", b"%80", b"a" * 256, b"a" * 8_000, b"%C3%A9" * 256, b"..", b"../..", b"%2E%2E",
    b"%2E%2E%2F%2E%2E%2Fetc%2Fpasswd", b"%2F", b"a%2Fb", b"%25", b"%", b"%zz", b"%u0041", b"*",
    b"a:b", b"asgi:group:x", b"{x}", b"$(id)", b"'%20OR%201=1--", b"<script>", b"a%20b", b"%20",
    b";a", b"a;b=c", b"null", b"\xff\xfe", b"\xd9\xa1", b"a\tb", b"",
]  # fmt: skip
CURSORS = [
    b"", b"-1", b"+1", b"0x10", b"1e3", b"1.5", b"nan", b"inf", b"NaN", b"null", b"abc", b"1_0",
    b"%201", b"1%20", b"1%0A", b"1%00", b"%D9%A1", b"9" * 65, b"9" * 20, b"0", b"1,2", b"1-0",
    b"c1:abc", b"%FF", b"%F0%9F%8E%89", b"\xe9", b"18446744073709551616", b"$", b"*",
]  # fmt: skip
QUERIES = [
    b"wait=nan", b"wait=inf", b"wait=-1", b"wait=1e9", b"wait=61", b"wait=", b"wait=1&wait=2",
    b"after=1&after=2", b"token=a&token=b", b"types=nothing", b"types=", b"types=status&types=log",
    b"heartbeat=2", b"heartbeat=yes", b"%FF=%FF", b"\xff\xfe", b"after=%", b"&" * 5_000,
    b"&".join(b"a%d=1" % number for number in range(500)), b"after[]=1", b"wait[]=1", b"wait=%00",
]  # fmt: skip
REFUSED = {400, 403, 404, 405, 414, 431}


def check(answer: Answer, what: object) -> None:
    """Assert that the answer is a refusal, or a stream for whom it is due, and tells nothing."""
    assert answer.status < 500, (what, answer.raw[:300])
    assert b"Traceback" not in answer.raw, what
    assert CANARY.encode() not in answer.raw, what
    if answer.status == 101:
        assert 4400 <= answer.close < 4500, (what, answer)
    else:
        # Daphne hangs up on a request line that is no HTTP.
        assert answer.status in REFUSED | {0, 301}, (what, answer.raw[:300])


@pytest.fixture
async def canary(site_on: Callable[[Layer], Site]) -> str:
    """Return the id of a task whose messages no attacker may see."""
    task = await site_on("pubsub").task(
        pending(), started(), log(CANARY), progress(1, 2, CANARY), server=1
    )
    return task.id


@pytest.fixture
async def attacked(server: Server, canary: str) -> Server:
    """Return a server that is to be as well after the test as before."""
    return server


async def still_well(server: Server) -> None:
    """Assert that the process lives and answers."""
    assert server.process.child.returncode is None
    async with http_client(server.url, timeout=5) as client:
        assert (await client.get("/healthy/")).status_code == 200


@pytest.mark.parametrize("transport", list(PREFIXES))
async def test_a_hostile_id_is_refused(attacked: Server, transport: str) -> None:
    """None of them is known to anybody, none breaks anything."""
    for task_id in IDS:
        target = b"/task_status/" + task_id + b"/"
        check(await ask(attacked.url, transport, target), task_id)
    await still_well(attacked)


@pytest.mark.parametrize("transport", list(PREFIXES))
async def test_a_hostile_query_is_refused(attacked: Server, transport: str, canary: str) -> None:
    """Without access it makes no difference what else is asked for."""
    path = b"/task_status/" + canary.encode() + b"/?"
    for query in [*QUERIES, *(b"after=" + cursor for cursor in CURSORS)]:
        check(await ask(attacked.url, transport, path + query), query)
    await still_well(attacked)


async def test_a_hostile_cursor_of_an_honest_client_is_refused(
    server: Server, site_on: Callable[[Layer], Site]
) -> None:
    """With a token it is a 400, or a reset for a number that was never given out."""
    task = await site_on("pubsub").task(pending(), started())
    path = f"/task_status/{task.id}/?token={task.token}".encode()
    for cursor in CURSORS:
        for transport in ("websocket", "sse", "longpoll"):
            answer = await ask(server.url, transport, path + b"&after=" + cursor)
            assert answer.status in {200, 101, 400}, (cursor, transport, answer.raw[:200])
            bad = answer.status == 400 or answer.close == 4400
            assert bad or b'"reset":true' in answer.raw, (cursor, transport, answer.raw[:400])
        header = {b"Last-Event-ID": cursor.replace(b"%0A", b"").replace(b"%00", b"\x01")}
        answer = await ask(server.url, "sse", path, headers=header)
        assert answer.status in {200, 400}, (cursor, answer.raw[:200])
        assert b"Traceback" not in answer.raw
    await still_well(server)


raw = st.binary(min_size=0, max_size=80).map(quote_from_bytes).map(str.encode)
bare = st.binary(max_size=80).map(
    lambda value: bytes(byte for byte in value if byte not in b" \r\n\t\x00?#")
)


async def test_noise_is_refused_on_every_transport(attacked: Server) -> None:
    """Whatever bytes make up id, query and header: never a 5xx, never a word of the canary."""
    loop = asyncio.get_running_loop()

    @settings(
        max_examples=200,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        task_id=st.one_of(raw, bare),
        query=st.one_of(raw, bare, raw.map(lambda value: b"after=" + value)),
        event_id=bare,
        transport=st.sampled_from(list(PREFIXES)),
    )
    def attack(task_id: bytes, query: bytes, event_id: bytes, transport: str) -> None:
        target = b"/task_status/" + task_id + b"/?" + query
        asking = ask(attacked.url, transport, target, headers={b"Last-Event-ID": event_id})
        answer = asyncio.run_coroutine_threadsafe(asking, loop).result(20)
        check(answer, (task_id, query, event_id, transport))

    await asyncio.to_thread(attack)
    await still_well(attacked)
