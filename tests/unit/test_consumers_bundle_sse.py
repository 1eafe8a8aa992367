"""Events of several tasks: the position never runs ahead of what is sent."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from taskstatus.access import make_token
from taskstatus.consumers import outlet
from taskstatus.drain import get_drain
from taskstatus.hub import get_hub
from taskstatus.pressure import MAX_UNSENT_BYTES
from taskstatus.routing import with_taskstatus
from taskstatus.testing import TaskDriver
from tests.harness.clients import strict_json
from tests.harness.clients.event_stream import EventStreamParser
from tests.unit.subscriptions import eventually, readers, with_nothing_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

UNIT = 0.02


async def project(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The project's own application, which nobody asks."""


class Client:
    """A client of the stream in this process, which can be slow to take what is sent."""

    def __init__(self, tasks: list[TaskDriver], tokens: list[str], **query: str) -> None:
        fields = [("task", task.task_id) for task in tasks]
        fields += [("token", token) for token in tokens] + list(query.items())
        self.tasks = [task.task_id for task in tasks]
        self.places = ["0"] * len(tasks)
        self.told: list[dict[str, Any]] = []
        self.status = 0
        self.ended = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self._gone = asyncio.Event()
        self._asked = False
        self._parser = EventStreamParser()
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/sse/task_status/",
            "query_string": urlencode(fields).encode(),
            "headers": [(b"host", b"localhost")],
        }
        self.serving = asyncio.create_task(with_taskstatus(project)(scope, self.receive, self.send))

    async def receive(self) -> dict[str, Any]:
        """Ask, and later leave."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Take a message once the gate is open; each id must be the position after it."""
        await self.gate.wait()
        if self._gone.is_set():
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        for event in self._parser.feed(message["body"]):
            told = strict_json.loads(event.data)
            place = "x" if told["type"] == "problem" else told["cursor"]
            self.places[self.tasks.index(told["task_id"])] = place
            assert event.last_event_id == ".".join(self.places)
            self.told.append(told)
        if not message.get("more_body"):
            self.ended.set()
            self._gone.set()

    def leave(self) -> None:
        """Disconnect; as servers do, take what is sent from then on and drop it."""
        self._gone.set()
        self.gate.set()


def follow(tasks: list[TaskDriver]) -> Client:
    """Return a client of tasks and their lines, with a token for each."""
    return Client(tasks, [make_token(task.task_id) for task in tasks], types="status,log")


@pytest.fixture
def tasks() -> list[TaskDriver]:
    """Return some tasks that have started."""
    tasks = [TaskDriver() for _ in range(5)]
    for task in tasks:
        task.started()
    return tasks


@pytest.fixture
async def client(tasks: list[TaskDriver]) -> AsyncIterator[Client]:
    """Yield a client of all the tasks and their lines; in the end nothing of it is left."""
    async with with_nothing_left():
        client = follow(tasks)
        await eventually(lambda: len(client.told) == len(tasks))
        yield client
        client.leave()
        async with asyncio.timeout(10):
            await client.serving


async def test_position_moves_with_what_is_sent(client: Client, tasks: list[TaskDriver]) -> None:
    """While the client keeps up, and while it makes the server wait in the middle of events."""
    witness = follow(tasks)
    await eventually(lambda: len(witness.told) == len(tasks))
    for number in range(40):
        if number % 2:
            client.gate.clear()
        for task in random.Random(number).choices(tasks, k=8):
            task.log(str(number))
        # All of it has come by here, whether it could be sent or not.
        await eventually(lambda: len(witness.told) == len(tasks) + 8 * (number + 1))  # noqa: B023
        client.gate.set()
    for task in tasks:
        task.success()
    await asyncio.gather(client.ended.wait(), witness.ended.wait(), witness.serving)
    assert sorted(told["version"] for told in client.told) == sorted(
        told["version"] for told in witness.told
    )


async def test_task_that_ends_is_given_back_at_once(
    client: Client, tasks: list[TaskDriver]
) -> None:
    """Although the connection lasts."""
    for number, task in enumerate(tasks[:-1]):
        task.success()
        await eventually(lambda: readers() == len(tasks) - number - 1)  # noqa: B023 - called at once


async def test_client_that_leaves_is_let_go_promptly(
    client: Client, tasks: list[TaskDriver]
) -> None:
    """Even one that makes the server wait."""
    client.gate.clear()
    tasks[0].log("x")
    await asyncio.sleep(UNIT)
    began = time.monotonic()
    client.leave()
    await client.serving
    assert time.monotonic() - began < 1


async def test_access_that_ends_is_told_by_an_event(tasks: list[TaskDriver]) -> None:
    """The stream goes on for the others."""
    brief = make_token(tasks[0].task_id, max_age=10 * UNIT)
    client = Client(tasks[:2], [brief, make_token(tasks[1].task_id)])
    await eventually(lambda: len(client.told) == 3)
    assert client.told[2]["code"] == "forbidden"
    await eventually(lambda: readers() == 1)
    tasks[0].progress(1)
    tasks[1].success()
    await client.ended.wait()
    assert len(client.told) == 4
    await client.serving
    await get_hub().aclose()


async def test_slow_reader_is_ended(
    monkeypatch: pytest.MonkeyPatch, tasks: list[TaskDriver]
) -> None:
    """After some time to catch up; it can come back with its position."""
    monkeypatch.setattr(outlet, "STUCK_SECONDS", 5 * UNIT)
    unsent = [0]
    monkeypatch.setattr("taskstatus.guard.unsent_bytes", lambda send: lambda: unsent[0])
    client = Client(tasks, [make_token(task.task_id) for task in tasks])
    await eventually(lambda: len(client.told) == len(tasks))
    unsent[0] = MAX_UNSENT_BYTES + 1
    tasks[0].progress(1)
    async with asyncio.timeout(10):
        await client.ended.wait()
        await client.serving
    assert len(client.told) == len(tasks)
    await get_hub().aclose()


@pytest.mark.parametrize("number", [1, 5])
async def test_client_that_comes_while_the_server_stops_is_to_come_back(
    tasks: list[TaskDriver], number: int
) -> None:
    """By a stream that ends at once: a browser takes no refusal for that."""
    followed = tasks[:number]
    witness = follow(followed)
    await eventually(lambda: len(witness.told) == number)
    get_drain()._begun.set()
    after = ".".join(witness.places)
    client = Client(followed, [make_token(task.task_id) for task in followed], after=after)
    async with asyncio.timeout(10):
        await client.serving
    assert (client.status, client.told) == (200, [])
    witness.leave()
    await witness.serving
    await get_hub().aclose()
