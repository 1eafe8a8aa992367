"""Polls that come again and again on one connection to uvicorn: as exact as any others."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import re
import signal
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

import pytest

from tests.harness.clients import strict_json
from tests.harness.clients.message import Message
from tests.harness.servers import start_uvicorn
from tests.harness.site import Site
from tests.harness.steps import faithful, log, pending, progress, started, success

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes
    from tests.harness.site import DrivenTask

BOTH = "status,log"
LENGTH = re.compile(rb"content-length: (\d+)")


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One response, to the byte."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        """Return its status."""
        return int(self.head.split(b" ", 2)[1])

    @property
    def json(self) -> dict[str, Any]:
        """Return what the body says."""
        answer: dict[str, Any] = strict_json.loads(self.body.decode())
        return answer

    @property
    def messages(self) -> list[Message]:
        """Return the messages in it."""
        texts = strict_json.member_texts(self.body.decode(), "messages")
        return [Message.from_json(text) for text in texts]

    @property
    def form(self) -> bytes:
        """Return the head without what differs from one second, and one answer, to the next."""
        return re.sub(rb"(content-length|date): [^\r]+", rb"\1: X", self.head)


class Connection:
    """One connection that is kept, and asked on as a browser asks: each request in one write."""

    def __init__(self, task: DrivenTask, **query: str) -> None:
        self._url = urlsplit(task.site.server(0).url)
        self._path = f"/poll/task_status/{task.id}/"
        self.query = {"token": task.token, "types": BOTH, "wait": "20", **query}

    async def __aenter__(self) -> Self:
        host, port = self._url.hostname, self._url.port
        self._reader, self._writer = await asyncio.open_connection(host, port)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._writer.close()

    def ask(self, path: str = "", **query: str) -> None:
        """Send a request."""
        target = f"{path or self._path}?{urlencode({**self.query, **query})}"
        lines = [f"GET {target} HTTP/1.1", f"Host: {self._url.netloc}", "Accept: */*", "", ""]
        self._writer.write("\r\n".join(lines).encode())

    async def answer(self) -> Answer:
        """Return the next answer."""
        async with asyncio.timeout(20):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            body = await self._reader.readexactly(int(length[1]) if length else 0)
        return Answer(head, body)

    async def poll(self, **query: str) -> Answer:
        """Ask, and return the answer."""
        self.ask(**query)
        return await self.answer()

    async def rest(self) -> bytes:
        """Return what comes until the server closes the connection."""
        async with asyncio.timeout(20):
            return await self._reader.read()


@pytest.fixture(scope="module")
def uvicorn_site(processes: Processes, environment_of: Callable[[Layer], Environment]) -> Site:
    """Return a site that uvicorn serves."""
    environment = environment_of("pubsub")
    server = start_uvicorn(processes, environment, name="uvicorn-kept")
    mute = start_uvicorn(
        processes, dataclasses.replace(environment, layer_prefix="mute"), name="uvicorn-mute"
    )
    return Site(layer="pubsub", servers=(server,), mute=mute)


async def test_a_long_life_is_told_over_one_connection(uvicorn_site: Site) -> None:
    """Every line and every state, in order, once, and the end whenever it is asked for."""
    task = await uvicorn_site.task(pending())
    async with Connection(task) as connection:
        answer = await connection.poll()
        seen = answer.messages
        life = [started()]
        for number in range(40):
            life += [log(f"line {number}"), progress(number, 40)]
        life.append(success("done"))

        async def play() -> None:
            for step in life:
                await task.play(step)

        playing = asyncio.create_task(play())
        polls = 0
        while not answer.json["ready"]:
            answer = await connection.poll(after=answer.json["cursor"])
            polls += 1
            seen += answer.messages
            assert answer.json["cursor"] == seen[-1].cursor
        await playing
        faithful(seen, [pending(), *life], types=BOTH)
        assert polls > 10
        # They are in uvicorn's log, as all its requests are.
        assert uvicorn_site.servers[0].process.log.count(f'"GET /poll/task_status/{task.id}/') == (
            polls + 1
        )
        again = await connection.poll(after=answer.json["cursor"])
        assert (again.json["ready"], again.messages[-1].raw) == (True, seen[-1].raw)


async def test_all_answers_have_the_same_head(uvicorn_site: Site) -> None:
    """The first one, which is an ordinary answer, and the others; with news and without."""
    task = await uvicorn_site.task(pending())
    async with Connection(task) as connection:
        answers = [await connection.poll()]
        for number in range(5):
            connection.ask(after=answers[-1].json["cursor"])
            await task.play(progress(number, 5))
            answers.append(await connection.answer())
        assert len({answer.form for answer in answers}) == 1
        cursor = answers[-1].json["cursor"]
        empty = [await connection.poll(after=cursor, wait="0.2") for _ in range(4)]
        assert {answer.status for answer in empty} == {204}
        assert len({answer.form for answer in empty}) == 1


async def test_other_requests_take_the_same_connection(uvicorn_site: Site) -> None:
    """The snapshot, a refusal, and a poll of another task, between polls."""
    task, other = [await uvicorn_site.task(pending()) for _ in range(2)]
    async with Connection(task) as connection:
        cursor = (await connection.poll()).json["cursor"]
        for number in range(3):
            for _ in range(3):
                connection.ask(after=cursor)
                await task.play(progress(number, 3))
                cursor = (await connection.answer()).json["cursor"]
            snapshot = await connection.poll(path=f"/task_status/{task.id}/")
            assert snapshot.json["progress"]["current"] == number
            assert (await connection.poll(after=cursor, token=other.token)).status == 403
            told = await connection.poll(
                path=f"/poll/task_status/{other.id}/", token=other.token, after="0"
            )
            assert [message.state for message in told.messages] == ["PENDING"]


async def test_what_the_layer_loses_is_healed(uvicorn_site: Site) -> None:
    """A poll that waits is told what no group message has brought, and the next one goes on."""
    assert uvicorn_site.mute is not None
    task = await uvicorn_site.task(pending())
    async with Connection(task) as connection:
        cursor = (await connection.poll()).json["cursor"]
        for step in (started(), progress(1, 3)):
            connection.ask(after=cursor)
            await task.play(step)
            cursor = (await connection.answer()).json["cursor"]
        life = [log("unheard"), progress(2, 3)]
        connection.ask(after=cursor)
        await task.play(*life, server=uvicorn_site.mute)
        seen: list[Message] = []
        while len(seen) < len(life):
            answer = await connection.answer()
            seen += answer.messages
            connection.ask(after=answer.json["cursor"])
        faithful(seen, life, types=BOTH)
        await task.play(success("heard"))
        assert (await connection.answer()).messages[-1]["result"] == "heard"


async def test_who_waits_is_answered_when_the_server_is_told_to_stop(
    processes: Processes, environment_of: Callable[[Layer], Environment]
) -> None:
    """With no news, on all connections, before they are closed."""
    server = start_uvicorn(processes, environment_of("pubsub"), name="uvicorn-stopped")
    site = Site(layer="pubsub", servers=(server,))
    task = await site.task(pending())
    async with contextlib.AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(Connection(task)) for _ in range(5)]
        cursors = [(await connection.poll()).json["cursor"] for connection in connections]
        for _ in range(2):
            for connection, cursor in zip(connections, cursors, strict=True):
                connection.ask(after=cursor)
            await task.play(progress(1, 2))
            cursors = [(await connection.answer()).json["cursor"] for connection in connections]
        for connection, cursor in zip(connections, cursors, strict=True):
            connection.ask(after=cursor)
        # By the time this is answered, those before it have been read.
        assert (await task.snapshot()).status_code == 200
        os.kill(server.process.pid, signal.SIGTERM)
        for connection in connections:
            assert (await connection.answer()).status == 204
            assert await connection.rest() == b""
