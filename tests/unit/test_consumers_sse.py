"""Events of one task, to a browser that comes at a bad moment."""

from __future__ import annotations

from urllib.parse import urlencode

from channels.testing import HttpCommunicator
from django.core.asgi import get_asgi_application

from taskstatus.access import make_token
from taskstatus.drain import get_drain
from taskstatus.hub import get_hub
from taskstatus.routing import with_taskstatus
from taskstatus.stores import get_store
from taskstatus.testing import TaskDriver


async def test_client_that_comes_while_the_server_stops_is_to_come_back() -> None:
    """By a stream that ends at once: an EventSource would stop for good at a refusal."""
    task = TaskDriver()
    task.started()
    reading = await get_store().aread(task.task_id)
    assert reading is not None
    get_drain()._begun.set()
    query = urlencode({"token": make_token(task.task_id), "after": reading.version})
    path = f"/sse/task_status/{task.task_id}/?{query}"
    application = with_taskstatus(get_asgi_application())
    client = HttpCommunicator(application, "GET", path, headers=[(b"host", b"localhost")])
    response = await client.get_response(timeout=10)
    assert response["status"] == 200
    assert b"event:" not in response["body"]
    assert response["body"].startswith(b"retry: ")
    await get_hub().aclose()
