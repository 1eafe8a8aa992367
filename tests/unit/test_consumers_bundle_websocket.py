"""A WebSocket of several tasks: what it takes for each is given back, whatever happens."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from channels.testing import WebsocketCommunicator
from django.core.asgi import get_asgi_application

from taskstatus import limits
from taskstatus.access import make_token
from taskstatus.consumers import bundle_websocket, outlet
from taskstatus.hub import get_hub
from taskstatus.pressure import MAX_UNSENT_BYTES
from taskstatus.routing import with_taskstatus
from taskstatus.testing import TaskDriver
from tests.unit.subscriptions import eventually, readers, with_nothing_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pytest_django.fixtures import Settings

UNIT = 0.02


class Client:
    """A client of the WebSocket, in this process."""

    def __init__(self, query: str = "") -> None:
        path = f"/ws/task_status/?{query}"
        self.socket = WebsocketCommunicator(with_taskstatus(get_asgi_application()), path)

    async def open(self) -> None:
        """Connect."""
        assert (await self.socket.connect())[0]

    async def subscribe(self, task: TaskDriver, **fields: Any) -> None:
        """Follow a task."""
        frame = {"type": "subscribe", "task_id": task.task_id, "token": make_token(task.task_id)}
        await self.socket.send_to(json.dumps(frame | fields))

    async def unsubscribe(self, task: TaskDriver) -> None:
        """Follow it no longer."""
        await self.socket.send_to(json.dumps({"type": "unsubscribe", "task_id": task.task_id}))

    async def next(self) -> dict[str, Any]:
        """Return the next message."""
        message: dict[str, Any] = json.loads(await self.socket.receive_from(timeout=10))
        return message

    async def closed(self) -> int:
        """Return the code with which the server closes."""
        output = await self.socket.receive_output(timeout=10)
        assert output["type"] == "websocket.close", output
        return int(output["code"])

    async def leave(self) -> None:
        """Disconnect; the server's part has ended when this returns."""
        await self.socket.disconnect(timeout=10)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Yield a client that is connected; in the end nothing of it is left."""
    async with with_nothing_left():
        client = Client()
        await client.open()
        yield client
        await client.leave()


@pytest.fixture
def tasks() -> list[TaskDriver]:
    """Return three tasks that have started."""
    return [running() for _ in range(3)]


def running() -> TaskDriver:
    """Return a task that has started."""
    task = TaskDriver()
    task.started()
    return task


async def test_client_with_a_hundred_tasks_is_let_go_promptly(client: Client) -> None:
    """All of them stop at the same time."""
    for _ in range(100):
        await client.subscribe(running())
    for _ in range(100):
        assert (await client.next())["state"] == "STARTED"
    assert readers() == 100
    began = time.monotonic()
    await client.leave()
    assert time.monotonic() - began < 1


async def test_client_that_leaves_while_it_subscribes_leaves_nothing(client: Client) -> None:
    """Half of the tasks are being opened."""
    for _ in range(30):
        await client.subscribe(running())
    await client.next()


async def test_unsubscribed_task_is_given_back(client: Client, tasks: list[TaskDriver]) -> None:
    """Once, and for good."""
    for task in tasks:
        await client.subscribe(task)
        await client.next()
    await client.unsubscribe(tasks[0])
    await client.unsubscribe(tasks[0])
    await eventually(lambda: readers() == 2)


async def test_replaced_subscription_is_given_back(client: Client, tasks: list[TaskDriver]) -> None:
    """However often, and at once."""
    for _ in range(50):
        await client.subscribe(tasks[0])
    await client.subscribe(tasks[0], after="1")
    while "reset" not in await client.next():
        pass
    await eventually(lambda: readers() == 1)
    tasks[0].success()
    assert (await client.next())["state"] == "SUCCESS"
    await eventually(lambda: readers() == 0)


async def test_refused_and_ended_tasks_are_given_back(
    client: Client, tasks: list[TaskDriver]
) -> None:
    """Unknown, forbidden, malformed, expired, ended: none is held on to."""
    await client.subscribe(TaskDriver())
    assert (await client.next())["code"] == "unknown_task"
    for fields, code in (({"token": "x"}, "forbidden"), ({"after": "x"}, "bad_request")):
        await client.subscribe(tasks[0])
        await client.next()
        await client.subscribe(tasks[0], **fields)
        assert (await client.next())["code"] == code
        await eventually(lambda: readers() == 0)
    await client.subscribe(tasks[1], token=make_token(tasks[1].task_id, max_age=10 * UNIT))
    await client.next()
    assert (await client.next())["code"] == "forbidden"
    tasks[2].success()
    await client.subscribe(tasks[2])
    assert (await client.next())["state"] == "SUCCESS"
    await eventually(lambda: readers() == 0)


async def test_connection_that_follows_nothing_is_closed(
    monkeypatch: pytest.MonkeyPatch, tasks: list[TaskDriver]
) -> None:
    """Not while it follows something; after a task's end the time begins anew."""
    monkeypatch.setattr(bundle_websocket, "IDLE_SECONDS", 10 * UNIT)
    client = Client()
    await client.open()
    await client.subscribe(tasks[0])
    await client.next()
    assert await client.socket.receive_nothing(timeout=20 * UNIT)
    tasks[0].success()
    began = time.monotonic()
    await client.next()
    assert await client.closed() == 1000
    assert time.monotonic() - began > 9 * UNIT
    await client.leave()
    await get_hub().aclose()


async def test_connection_counts_once(client: Client, tasks: list[TaskDriver]) -> None:
    """As that of the first token that was good; before that it counts as nobody's."""
    await client.subscribe(tasks[0], token="x")
    await client.next()
    assert not limits._open
    token = make_token(tasks[1].task_id)
    await client.subscribe(tasks[1], token=token)
    await client.next()
    await client.subscribe(tasks[2])
    await client.next()
    assert limits._open == {("token", token): 1}


async def test_connection_too_many_is_closed(settings: Settings, tasks: list[TaskDriver]) -> None:
    """As soon as it is known whose it is."""
    settings.TASKSTATUS_MAX_CONNECTIONS_PER_CLIENT = 1
    query = f"token={make_token(tasks[0].task_id)}"
    clients = [Client(query), Client(query)]
    for client in clients:
        await client.open()
        await client.subscribe(tasks[0], token=None)
    assert (await clients[0].next())["state"] == "STARTED"
    assert await clients[1].closed() == 4429
    for client in clients:
        await client.leave()
    await get_hub().aclose()


async def test_slow_reader_is_closed(
    monkeypatch: pytest.MonkeyPatch, tasks: list[TaskDriver]
) -> None:
    """The whole connection, after some time to catch up."""
    monkeypatch.setattr(outlet, "STUCK_SECONDS", 5 * UNIT)
    unsent = [0]
    monkeypatch.setattr("taskstatus.guard.unsent_bytes", lambda send: lambda: unsent[0])
    client = Client()
    await client.open()
    for task in tasks:
        await client.subscribe(task)
        await client.next()
    unsent[0] = MAX_UNSENT_BYTES + 1
    tasks[0].progress(1)
    await eventually(lambda: readers() == 0)
    # It is being closed, which takes time too; what it still wishes for is in vain.
    await client.subscribe(tasks[1])
    assert await client.closed() == 4408
    await client.leave()
    assert readers() == 0
    await get_hub().aclose()
