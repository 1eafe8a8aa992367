"""Connections between two requests: on uvicorn's own protocols, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

import pytest

from taskstatus import cycle, pollers
from taskstatus.access import Caller, make_token
from taskstatus.counts import COUNTS
from taskstatus.hub import get_hub
from taskstatus.keepalive import KeepAlive
from taskstatus.routing import with_taskstatus
from taskstatus.stores import get_store
from taskstatus.testing import TaskDriver
from tests.harness.clients import strict_json
from tests.harness.uvicorn import HTTP, Uvicorn
from tests.unit.subscriptions import eventually, readers, with_nothing_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pytest_django.fixtures import Settings

UNIT = 0.1


class Site(Uvicorn):
    """Counts what comes to the application."""

    def __init__(self, http: str, **options: Any) -> None:
        self.asked: list[str] = []
        self.wrap = False
        self._application = with_taskstatus(project)
        super().__init__(http, ws="none", **options)

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request, through a send of our own if ``wrap`` is set."""
        self.asked.append(scope["path"])

        async def wrapped(message: Any) -> None:
            await send(message)

        await self._application(scope, receive, wrapped if self.wrap else send)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        """Listen, and leave nothing open."""
        async with super().listening():
            try:
                yield self
            finally:
                self.abort()
                await eventually(lambda: not self.state.connections and not self.state.tasks)

    def abort(self) -> None:
        """Cut all connections."""
        connection: Any
        for connection in set(self.state.connections):
            keeps = isinstance(connection, KeepAlive)
            (connection._transport if keeps else connection.transport).abort()

    @property
    def keepers(self) -> list[KeepAlive]:
        """Return the connections that are not uvicorn's at this moment."""
        return [each for each in self.state.connections if isinstance(each, KeepAlive)]


async def project(scope: Any, receive: Any, send: Any) -> None:
    """The project's own application."""
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]}
    await send(head)
    await send({"type": "http.response.body", "body": b"mine"})


class Client:
    """One connection, and what is read from it."""

    def __init__(self, site: Site, task: TaskDriver, **query: str) -> None:
        self.site = site
        self.query = {"token": make_token(task.task_id), "wait": "20"} | query
        self.path = f"/poll/task_status/{task.task_id}/"
        self.cursor: str | None = None

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.site.port)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.writer.close()

    def request(self, after: str | None, *headers: str, path: str = "") -> bytes:
        """Return a request for what comes after a cursor."""
        query = self.query if after is None else self.query | {"after": after}
        head = [f"GET {path or self.path}?{urlencode(query)} HTTP/1.1", "Host: localhost"]
        return "\r\n".join([*head, *headers, "", ""]).encode()

    def send(self, *headers: str) -> None:
        """Ask what comes after the cursor."""
        self.writer.write(self.request(self.cursor, *headers))

    async def read(self) -> tuple[bytes, bytes]:
        """Return the head and the body of an answer, and take its cursor."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            body = await self.reader.readexactly(int(length[1]) if length else 0)
        if b"json" in head and b"200 OK" in head:
            self.cursor = strict_json.loads(body.decode())["cursor"]
        return head, body

    async def poll(self, *headers: str) -> tuple[bytes, bytes]:
        """Ask, and return the answer."""
        self.send(*headers)
        return await self.read()

    async def told(self) -> list[str]:
        """Return the states, and lines, of an answer that is awaited."""
        _, body = await self.read()
        return [each.get("state", "log") for each in strict_json.loads(body.decode())["messages"]]

    async def settle(self, task: TaskDriver) -> None:
        """Poll in the ordinary way, so that the polls after this one are the same again."""
        await self.poll()
        self.send()
        task.progress(1, 100)
        await self.read()

    async def waiting(self) -> None:
        """Return when a poll that was sent waits, and not in the application."""
        await eventually(lambda: any(keeper._waiting for keeper in self.site.keepers))

    async def ended(self) -> bytes:
        """Return what comes until the server closes the connection."""
        async with asyncio.timeout(10):
            return await self.reader.read()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing linger."""
    monkeypatch.setattr(pollers, "LINGER_SECONDS", UNIT)


@pytest.fixture(params=HTTP)
def http(request: pytest.FixtureRequest) -> str:
    """Return each of uvicorn's protocols in turn."""
    return str(request.param)


@pytest.fixture
def task() -> TaskDriver:
    """Return a task that has started."""
    task = TaskDriver()
    task.started()
    return task


@pytest.fixture
async def site(http: str) -> AsyncIterator[Site]:
    """Yield a site; in the end nothing of it is left."""
    async with with_nothing_left():
        async with Site(http).listening() as site:
            yield site
        await eventually(lambda: not readers())


@contextlib.contextmanager
def unasked(site: Site) -> Iterator[None]:
    """Nothing of what is done meanwhile comes to the application."""
    before = len(site.asked)
    yield
    assert len(site.asked) == before


@contextlib.contextmanager
def asked_once(site: Site) -> Iterator[None]:
    """One request comes to the application meanwhile."""
    before = len(site.asked)
    yield
    assert len(site.asked) == before + 1


async def test_polls_that_come_again_do_not_come_to_the_application(
    site: Site, task: TaskDriver
) -> None:
    """The first two do; the answers are the same, to the byte but for what they tell."""
    async with Client(site, task) as client:
        first, _ = await client.poll()
        client.send()
        task.progress(1, 2)
        second, _ = await client.read()
        assert len(site.asked) == 2
        with unasked(site):
            for number in range(2, 12):
                client.send()
                await client.waiting()
                task.progress(number, 100)
                head, body = await client.read()
                [told] = strict_json.loads(body.decode())["messages"]
                assert told["progress"]["current"] == number
                assert without_length(head) == without_length(first) == without_length(second)
        assert site.state.total_requests == 12


def without_length(head: bytes) -> bytes:
    """Return a head with no figure for the length of the body."""
    return re.sub(rb"content-length: \d+", b"content-length: N", head)


async def test_news_that_is_there_is_told_at_once(site: Site, task: TaskDriver) -> None:
    """What came between two polls, and the end however often."""
    async with Client(site, task, types="status,log") as client:
        await client.settle(task)
        with unasked(site):
            task.log("line")
            task.success()
            reading = get_store().read(task.task_id)
            assert reading is not None
            await eventually(lambda: heard(task) == reading.version)
            client.send()
            assert await client.told() == ["log", "SUCCESS"]
            for _ in range(2):
                client.send()
                assert await client.told() == ["SUCCESS"]


def heard(task: TaskDriver) -> int:
    """Return the newest version of a task that has been heard of."""
    watch = get_hub().joined(task.task_id)
    return watch.recent.newest if watch is not None and watch.recent is not None else 0


async def test_when_the_wait_is_over_the_answer_is_the_ordinary_one(
    site: Site, task: TaskDriver
) -> None:
    """A 204, and the next poll waits again."""
    async with Client(site, task, wait="0.2") as client:
        await client.poll()
        ordinary, _ = await client.poll()
        assert ordinary.startswith(b"HTTP/1.1 204 ")
        with unasked(site):
            for _ in range(2):
                began = time.monotonic()
                head, _ = await client.poll()
                assert head == ordinary
                assert time.monotonic() - began >= 0.19


async def test_who_does_not_wait_is_answered_by_the_store(site: Site, task: TaskDriver) -> None:
    """``wait=0`` asks for what is true at this moment."""
    async with Client(site, task, wait="0") as client:
        for _ in range(4):
            with asked_once(site):
                await client.poll()


async def test_another_request_on_the_connection_is_the_server_s(
    site: Site, task: TaskDriver
) -> None:
    """The project's own pages, and then polls again."""
    async with Client(site, task) as client:
        await client.settle(task)
        with asked_once(site):
            client.writer.write(client.request(None, path="/mine/"))
            assert (await client.read())[1] == b"mine"
        assert not site.keepers
        with asked_once(site):
            client.send()
            task.progress(2, 3)
            assert await client.told() == ["PROGRESS"]
        with asked_once(site):
            client.send()
            task.progress(3, 4)
            assert await client.told() == ["PROGRESS"]
        with unasked(site):
            client.send()
            task.progress(4, 5)
            assert await client.told() == ["PROGRESS"]


async def test_other_credentials_are_looked_at(site: Site, task: TaskDriver) -> None:
    """Nothing that was learnt of one request holds for another."""
    async with Client(site, task) as client:
        await client.settle(task)
        good = client.query["token"]
        client.query["token"] = make_token("another")
        with asked_once(site):
            head, _ = await client.poll()
        assert b" 403 " in head
        # Not even if the next one is the good one again.
        client.query["token"] = good
        with asked_once(site):
            client.send()
            task.progress(5, 9)
            head, _ = await client.read()
        assert b" 200 " in head
        client.query["token"] = make_token("another")
        with asked_once(site):
            head, _ = await client.poll()
        assert b" 403 " in head


async def test_what_a_refused_request_was_made_of_is_not_what_is_learnt(
    site: Site, task: TaskDriver
) -> None:
    """Two requests for the same URL: the one with no right to it stays without."""
    good = f"Authorization: Bearer {make_token(task.task_id)}"
    bad = f"Authorization: Bearer {make_token('another')}"
    async with Client(site, task, token="") as client:
        await client.poll(good)
        for number in range(3):
            assert b" 403 " in (await client.poll(bad))[0]
            client.send(good)
            task.progress(number, 100)
            assert b" 200 " in (await client.read())[0]
        for _ in range(2):
            assert b" 403 " in (await client.poll(bad))[0]


@pytest.mark.parametrize("cut", [1, 40, -3])
async def test_a_request_that_comes_in_two_parts_is_the_server_s(
    site: Site, task: TaskDriver, cut: int
) -> None:
    """And the connection comes back after it."""
    async with Client(site, task) as client:
        await client.settle(task)
        whole = client.request(client.cursor)
        with asked_once(site):
            client.writer.write(whole[:cut])
            await eventually(lambda: not site.keepers)
            client.writer.write(whole[cut:])
            task.progress(2, 3)
            assert await client.told() == ["PROGRESS"]
        assert len(site.keepers) == 1


async def test_requests_behind_one_another_are_answered_in_order(
    site: Site, task: TaskDriver
) -> None:
    """Whether they come at once, or the second while the first waits."""
    async with Client(site, task) as client:
        await client.settle(task)
        whole, mine = client.request(client.cursor), client.request(None, path="/mine/")
        client.writer.write(whole)
        await client.waiting()
        client.writer.write(mine)
        await eventually(lambda: not site.keepers)
        task.progress(2, 3)
        assert await client.told() == ["PROGRESS"]
        assert (await client.read())[1] == b"mine"
        client.writer.write(client.request(client.cursor) + mine)
        task.progress(3, 4)
        assert await client.told() == ["PROGRESS"]
        assert (await client.read())[1] == b"mine"


async def test_a_client_that_leaves_is_let_go(site: Site, task: TaskDriver) -> None:
    """In the middle of a wait; nothing of it is counted any more."""
    async with Client(site, task) as client:
        await client.settle(task)
        client.send()
        await client.waiting()
        assert COUNTS.open["longpoll"] == 1
    await eventually(lambda: not site.state.connections)
    assert COUNTS.open["longpoll"] == 0


async def test_waiting_polls_are_counted(site: Site, task: TaskDriver, settings: Settings) -> None:
    """One client may have so many; who waits holds a place, and gives it back."""
    settings.TASKSTATUS_MAX_CONNECTIONS_PER_CLIENT = 1
    token = make_token(task.task_id)
    async with Client(site, task, token=token) as one, Client(site, task, token=token) as two:
        await two.settle(task)
        await one.settle(task)
        one.send()
        await one.waiting()
        head, _ = await two.poll()
        assert b" 429 " in head
        task.progress(2, 3)
        assert await one.told() == ["PROGRESS"]
        two.send()
        assert await two.told() == ["PROGRESS"]


class Policy:
    """Lets everybody in until told otherwise."""

    open = True

    async def __call__(self, caller: Caller, task_id: str, action: str) -> bool:
        """Answer."""
        return self.open


policy = Policy()


async def test_access_is_looked_at_again(site: Site, task: TaskDriver, settings: Settings) -> None:
    """In the ordinary way, once it is time."""
    settings.TASKSTATUS_ACCESS_POLICY = f"{__name__}.policy"
    settings.TASKSTATUS_RECHECK_SECONDS = 2 * UNIT
    policy.open = True
    async with Client(site, task, wait="0.01") as client:
        await client.settle(task)
        policy.open = False
        heads: list[bytes] = []
        while not heads or b" 204 " in heads[-1]:
            heads.append((await client.poll())[0])
        assert b" 403 " in heads[-1]


async def test_access_ends_with_its_token(site: Site, task: TaskDriver) -> None:
    """The same bytes are no longer good."""
    token = make_token(task.task_id, max_age=4 * UNIT)
    async with Client(site, task, wait="0.01", token=token) as client:
        ends = time.time() + 4 * UNIT
        await client.settle(task)
        heads: list[bytes] = []
        while not heads or b" 204 " in heads[-1]:
            heads.append((await client.poll())[0])
        assert b" 403 " in heads[-1]
        assert time.time() >= ends - 0.01


async def test_an_idle_connection_is_closed_and_a_waiting_one_is_not(
    http: str, task: TaskDriver
) -> None:
    """After uvicorn's own time."""
    async with with_nothing_left():
        async with (
            Site(http, timeout_keep_alive=1).listening() as site,
            Client(site, task) as waits,
            Client(site, task) as rests,
        ):
            await rests.settle(task)
            await waits.settle(task)
            waits.send()
            await waits.waiting()
            began = time.monotonic()
            assert await rests.ended() == b""
            assert 0.5 <= time.monotonic() - began < 5
            assert len(site.keepers) == 1
            task.success()
            assert await waits.told() == ["SUCCESS"]
            assert await waits.ended() == b""
        await eventually(lambda: not readers())


async def test_the_server_s_limit_holds(http: str, task: TaskDriver) -> None:
    """It refuses what it would refuse without us."""
    async with with_nothing_left():
        async with (
            Site(http, limit_concurrency=3).listening() as site,
            Client(site, task) as client,
        ):
            await client.settle(task)
            async with Client(site, task), Client(site, task):
                await eventually(lambda: len(site.state.connections) == 3)
                assert b" 503 " in (await client.poll())[0]
        await eventually(lambda: not readers())


async def test_a_server_that_shuts_down_closes_what_rests_and_answers_who_waits(
    site: Site, task: TaskDriver
) -> None:
    """As it does without us: the connection of a poll that waits ends with its answer."""
    async with Client(site, task) as waits, Client(site, task) as rests:
        await rests.settle(task)
        await waits.settle(task)
        waits.send()
        await waits.waiting()
        for connection in list(site.state.connections):
            connection.shutdown()
        assert await rests.ended() == b""
        task.progress(2, 3)
        assert await waits.told() == ["PROGRESS"]
        assert await waits.ended() == b""


async def test_a_process_that_stops_answers_who_waits(site: Site, task: TaskDriver) -> None:
    """No news; whoever comes back is the server's."""
    async with Client(site, task) as client:
        await client.settle(task)
        client.send()
        await client.waiting()
        get_hub().close_readers()
        head, _ = await client.read()
        assert b" 204 " in head


async def test_the_wait_is_not_longer_for_having_changed_hands(
    site: Site, task: TaskDriver
) -> None:
    """What was waited here counts."""
    async with Client(site, task, wait="1.5") as client:
        await client.settle(task)
        began = time.monotonic()
        client.send()
        await client.waiting()
        later = asyncio.Event()
        asyncio.get_running_loop().call_later(1, later.set)
        await later.wait()
        with asked_once(site):
            site.keepers[0].hand_back()
            head, _ = await client.read()
        assert b" 204 " in head
        assert 1.45 <= time.monotonic() - began < 2.4


async def test_the_access_log_has_all_polls(
    site: Site, task: TaskDriver, caplog: pytest.LogCaptureFixture
) -> None:
    """The same lines, whoever answers."""
    caplog.set_level(logging.INFO, "uvicorn.access")
    async with Client(site, task, wait="0.05", extra="a b%") as client:
        for _ in range(4):
            await client.poll()
        assert len(site.asked) == 2
        _, port = client.writer.get_extra_info("sockname")
    records = [record for record in caplog.records if record.name == "uvicorn.access"]
    ordinary, *others = [(record.msg, record.args, record.levelno) for record in records][1:]
    assert others == [ordinary, ordinary]
    query = urlencode(client.query | {"after": client.cursor})
    line = f'127.0.0.1:{port} - "GET {client.path}?{query} HTTP/1.1" 204'
    assert records[-1].getMessage() == line


async def test_a_middleware_around_send_sees_every_poll(site: Site, task: TaskDriver) -> None:
    """What it does with an answer it does with all."""
    site.wrap = True
    async with Client(site, task, wait="0.01") as client:
        for _ in range(5):
            with asked_once(site):
                await client.poll()
    assert not site.keepers


async def test_a_server_that_is_not_as_we_know_it_is_left_alone(
    site: Site, task: TaskDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one, or another version: it answers every poll."""
    monkeypatch.setattr(cycle, "_SERVER", (*cycle._SERVER, "of_another_version"))
    async with Client(site, task, wait="0.01") as client:
        for _ in range(5):
            with asked_once(site):
                await client.poll()
    assert not site.keepers


async def test_a_connection_that_goes_on_already_is_left_alone(
    site: Site, task: TaskDriver
) -> None:
    """The next request, or its first byte, came before the answer to the last one was written."""
    async with Client(site, task, wait="0.3") as client:
        await client.poll()
        whole = client.request(client.cursor)
        for cut in (1, len(whole)):
            client.writer.write(whole + whole[:cut])
            await client.read()
            assert not site.keepers
            client.writer.write(whole[cut:])
            await client.read()
            await eventually(lambda: len(site.keepers) == 1)


@pytest.mark.parametrize("header", ["Connection: close", "Content-Length: 0", "Expect: x"])
async def test_some_requests_are_always_the_server_s(
    site: Site, task: TaskDriver, header: str
) -> None:
    """With more to them than their head."""
    async with Client(site, task, wait="0.01") as client:
        for _ in range(4):
            with asked_once(site):
                await client.poll(header)
            if "close" in header:
                assert await client.ended() == b""
                break


async def test_a_client_that_does_not_read_is_the_server_s(site: Site, task: TaskDriver) -> None:
    """Which waits until it does."""
    async with Client(site, task) as client:
        await client.settle(task)
        [keeper] = site.keepers
        keeper.pause_writing()
        with asked_once(site):
            client.send()
            await eventually(lambda: len(site.state.tasks) == 1)
            task.progress(2, 3)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.reader.read(1), 2 * UNIT)
            keeper._server.resume_writing()
            assert await client.told() == ["PROGRESS"]
        [keeper] = site.keepers
        keeper.pause_writing()
        keeper.resume_writing()
        with unasked(site):
            client.send()
            await client.waiting()
            task.progress(3, 4)
            assert await client.told() == ["PROGRESS"]


class Broken:
    """A transport that does not say in time that it is closed."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.abort = transport.abort

    def write(self, data: bytes) -> None:
        """Raise, as uvloop's do."""
        raise RuntimeError("the handler is closed")


async def test_what_can_t_be_written_harms_nobody_else(site: Site, task: TaskDriver) -> None:
    """All others are answered."""
    async with Client(site, task) as broken, Client(site, task) as sound:
        await broken.settle(task)
        await sound.settle(task)
        await broken.poll()
        broken.send()
        await broken.waiting()
        [keeper] = [keeper for keeper in site.keepers if keeper._waiting]
        keeper._transport = Broken(keeper._transport)
        sound.send()
        await eventually(lambda: all(keeper._waiting for keeper in site.keepers))
        task.progress(2, 3)
        assert await sound.told() == ["PROGRESS"]
        assert await broken.ended() == b""
