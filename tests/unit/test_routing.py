"""Which connections are ours, and which go to the project's own application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from channels.testing import HttpCommunicator, WebsocketCommunicator
from django.core.asgi import get_asgi_application

from taskstatus.access import make_token
from taskstatus.hub import get_hub
from taskstatus.routing import with_taskstatus
from taskstatus.testing import TaskDriver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


HOST = [(b"host", b"localhost")]


async def project(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The project's own application: says what it was asked."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": scope["path"]})
        return
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


@pytest.fixture(autouse=True)
async def _hub() -> AsyncIterator[None]:
    """Close the hub that serves these connections."""
    yield
    await get_hub().aclose()


@pytest.fixture
def done() -> TaskDriver:
    """Return a task that has ended."""
    task = TaskDriver()
    task.started()
    task.success()
    return task


async def get(application: Any, path: str, **scope: Any) -> dict[str, Any]:
    """Return the response to a request."""
    communicator = HttpCommunicator(application, "GET", path, headers=HOST)
    communicator.scope |= scope
    response: dict[str, Any] = await communicator.get_response(timeout=10)
    return response


@pytest.mark.parametrize("transport", ["sse", "poll"])
@pytest.mark.parametrize(
    ("path", "root_path"), [("", ""), ("/app", "/app"), ("", "/app"), ("/a/b", "/a/b")]
)
async def test_task_routes_are_ours_below_any_root_path(
    done: TaskDriver, transport: str, path: str, root_path: str
) -> None:
    """A proxy may put the project anywhere, and may strip that from the path or not."""
    token = make_token(done.task_id)
    url = f"{path}/{transport}/task_status/{done.task_id}/?token={token}"
    response = await get(with_taskstatus(project), url, root_path=root_path)
    assert response["status"] == 200
    assert b'"SUCCESS"' in response["body"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/task_status/x/",
        "/sse/",
        "/sse/task_status/x",
        "/other/sse/task_status/x/",
        "/ws/task_status/x/",
        "/SSE/task_status/x/",
    ],
)
async def test_everything_else_is_the_project_s(path: str) -> None:
    """Including what only looks like a route of ours."""
    response = await get(with_taskstatus(project), path)
    assert (response["status"], response["body"].decode()) == (299, path)


async def test_project_sees_its_own_scope_untouched() -> None:
    """What is not ours keeps its root path."""
    response = await get(with_taskstatus(project), "/app/x", root_path="/app")
    assert response["body"] == b"/app/x"


@pytest.mark.parametrize("task_id", ["a/b", "a%0Ab", "%20", "%E4%BB%BB", "x" * 256])
async def test_any_id_is_routed(task_id: str) -> None:
    """The consumers say what is wrong with an id, not a missing route."""
    response = await get(with_taskstatus(project), f"/poll/task_status/{task_id}/")
    assert response["status"] in {400, 403}


async def test_empty_id_is_a_bad_request() -> None:
    """Nothing between the slashes is no id."""
    assert (await get(with_taskstatus(project), "/sse/task_status//"))["status"] == 400


async def test_websocket_of_a_task_is_accepted(done: TaskDriver) -> None:
    """It is followed to its end."""
    path = f"/ws/task_status/{done.task_id}/?token={make_token(done.task_id)}"
    client = WebsocketCommunicator(with_taskstatus(get_asgi_application()), path)
    assert (await client.connect())[0]
    assert '"SUCCESS"' in await client.receive_from()
    assert (await client.receive_output())["code"] == 1000
    await client.disconnect()


async def test_websocket_to_nowhere_is_refused() -> None:
    """Django has no WebSockets of its own, so nobody is there to answer."""
    client = WebsocketCommunicator(with_taskstatus(get_asgi_application()), "/ws/chat/")
    connected, _ = await client.connect()
    assert not connected


async def test_websocket_of_the_project_goes_there() -> None:
    """An application that has some keeps them, whoever's page opens them."""
    headers = [*HOST, (b"origin", b"https://else.example")]
    client = WebsocketCommunicator(with_taskstatus(project), "/ws/chat/", headers=headers)
    assert (await client.connect())[0]
    assert await client.receive_from() == "/ws/chat/"
    await client.disconnect()


def test_wrapped_applications_are_independent() -> None:
    """Each call makes an application of its own."""
    assert with_taskstatus(project) is not with_taskstatus(project)
