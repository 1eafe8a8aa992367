"""What can be asked for over one connection, and what is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.harness.clients import End
from tests.harness.clients.http import http_client
from tests.harness.steps import pending, started, success
from tests.harness.visitor import log_in

if TYPE_CHECKING:
    from tests.harness.site import Site

MOST = 100


@pytest.fixture(params=["sse", "longpoll"])
def transport(request: pytest.FixtureRequest) -> str:
    """Return the transports whose tasks stand in the URL."""
    return str(request.param)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "task=",
        "task=~1",
        "task={a}&task={a}",
        "task={a}&task={a}~",
        "task={a}~x",
        "task={a}~-1",
        "task={a}~12345678901234567",
        "task={a}%0A",
        "task=" + "x" * 256,
        "task={a}&task={b}~x",
        "task={a}&after=x.x",
        "task={a}&after=",
        "task={a}&after=1&after=1",
        "task={a}&task={b}&after=1",
        "task={a}&task={b}&after=1.2.3",
        "task={a}&task={b}&after=1.",
        "task={a}&task={b}&after=1.y",
        "task={a}&task={b}&after=1,2",
        "task={a}&types=nothing",
        "task={a}&heartbeat=2",
        "task=%FF",
        "&".join(f"task=t{number}" for number in range(MOST + 1)),
        "&".join(f"task=t{number}" for number in range(MOST * 5)),
    ],
    ids=lambda query: query[:32],
)
async def test_malformed_request_is_refused_as_a_whole(
    site: Site, transport: str, query: str
) -> None:
    """One bad value, and nothing of the rest is answered."""
    first, second = [await site.task(pending()) for _ in range(2)]
    client = site.follow(transport, first)
    url = client.path.partition("?")[0]
    tokens = f"&token={first.token}&token={second.token}"
    async with http_client(site.server(0).url) as http:
        response = await http.get(f"{url}?{query.format(a=first.id, b=second.id)}{tokens}")
    assert response.status_code == 400
    assert response.json()["code"] == "bad_request"
    assert response.headers["content-type"] == "application/problem+json"


async def test_malformed_last_event_id_is_refused(site: Site) -> None:
    """The header is looked at as closely as the parameter."""
    task = await site.task(pending())
    for header in ("x.x", "", "1.2", "a"):
        async with site.follow("sse", task, headers={"Last-Event-ID": header}) as client:
            assert (await client.ended()).reason is End.BAD_REQUEST


async def test_a_hundred_tasks_are_followed(site: Site, transport: str) -> None:
    """By somebody with the permission, without a token."""
    staff = await log_in(site.server(0), permission="view_taskstatus")
    tasks = await asyncio.gather(*(site.task(pending(), server=n) for n in range(MOST)))
    async with site.follow(transport, *tasks, tokens=[], headers=staff.headers) as client:
        await client.first()
        await asyncio.gather(*(task.play(started(), success()) for task in tasks))
        await client.settled()
        assert (await client.ended()).reason is End.TERMINAL


async def test_all_refused_is_the_refusal_of_the_first(site: Site, transport: str) -> None:
    """With its status, so that an EventSource stops."""
    unknown, foreign = await site.task(), await site.task(pending())
    for tasks, status, code in (
        ([unknown, foreign], 404, b'"unknown_task"'),
        ([foreign, unknown], 403, b'"forbidden"'),
    ):
        async with site.follow(transport, *tasks, tokens=[unknown.token]) as client:
            ended = await client.ended()
        assert ended.code == status
        assert code in ended.body
    async with site.follow(transport, foreign, unknown, tokens=[], after="x.0") as client:
        assert (await client.ended()).code == 403


async def test_forbidden_does_not_tell_what_there_is(site: Site, transport: str) -> None:
    """For those who may not see it an unknown task is like any other."""
    good, unknown, foreign = await site.task(pending()), await site.task(), await site.task()
    await foreign.play(pending())
    async with site.follow(
        transport, good, unknown, foreign, tokens=["x", good.token, "y"]
    ) as client:
        await client.first()
    codes = {task_id: problem["code"] for task_id, problem in client.problems.items()}
    assert codes == {unknown.id: "forbidden", foreign.id: "forbidden"}


async def test_bearer_is_one_token_more(site: Site, transport: str) -> None:
    """It helps where those of the URL do not."""
    first, second = [await site.task(pending()) for _ in range(2)]
    headers = {"Authorization": f"Bearer {second.token}"}
    async with site.follow(
        transport, first, second, tokens=[first.token], headers=headers
    ) as client:
        await client.first()
    assert not client.problems


async def test_session_is_asked_when_there_is_no_token(site: Site, transport: str) -> None:
    """Each task by itself: those that the visitor owns, and no others."""
    owner = await log_in(site.server(0))
    own = await site.task(pending(), owner=owner.user_id)
    other = await site.task(pending())
    async with site.follow(transport, own, other, tokens=[], headers=owner.headers) as client:
        await client.first()
    assert client.told(own.id) == ["PENDING"]
    assert client.problems[other.id]["code"] == "forbidden"
    async with site.follow(
        transport, own, other, tokens=[other.token], headers=owner.headers
    ) as client:
        await client.first()
    assert list(client.problems) == [own.id]


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_not_allowed(site: Site, transport: str, method: str) -> None:
    """As on the URL of a single task."""
    task = await site.task(pending())
    async with http_client(site.server(0).url) as client:
        response = await client.request(method, site.follow(transport, task).path)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"


async def test_other_hosts_and_origins_are_told_apart(site: Site, transport: str) -> None:
    """Host, CORS and security headers are those of the URL of a single task."""
    task = await site.task(pending(), started(), success())
    path = site.follow(transport, task).path
    async with http_client(site.server(0).url) as client:
        evil = await client.get(path, headers={"Host": "evil.example"})
        good = await client.get(path)
    assert evil.status_code == 400
    assert good.status_code == 200
    assert good.headers["x-content-type-options"] == "nosniff"


async def test_long_poll_waits_as_long_as_it_may(site: Site) -> None:
    """204 with nothing new, and the news as soon as there is some of any task."""
    tasks = [await site.task(pending()) for _ in range(2)]
    async with site.follow("longpoll", *tasks) as client:
        await client.first()
        after = client.path  # the first position is in the client
        assert after
        cursors = [client.cursors[task.id] for task in tasks]
    path = site.follow("longpoll", *tasks, after=".".join(cursors), params={"wait": "0.3"}).path
    async with http_client(site.server(0).url) as http:
        assert (await http.get(path)).status_code == 204
        waiting = asyncio.create_task(http.get(path.replace("wait=0.3", "wait=20")))
        await tasks[1].play(started())
        answer = (await waiting).json()
    assert [message["state"] for message in answer["messages"]] == ["STARTED"]
    assert answer["cursors"] == {
        tasks[0].id: cursors[0],
        tasks[1].id: answer["messages"][0]["cursor"],
    }
    assert answer["ready"] is False
