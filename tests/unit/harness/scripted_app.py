"""A hand-written ASGI application that tells one script over all three transports."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]

#: What every status has besides.
REST = (
    '"name": null, "progress": null, "result": null, "error": null, "error_type": null, '
    '"retries": 0, "stalled": false, "created_at": null, "started_at": null, "updated_at": null, '
    '"finished_at": null, "parent_id": null, "root_id": null, "group_id": null}'
)
#: The script of every task: two states.
MESSAGES = [
    (
        '{"type": "status", "task_id": "t", "version": 1, "cursor": "1",  '
        f'"state": "STARTED", "ready": false, {REST}'
    ),
    (
        '{"type":"status","task_id":"t","version":2,"cursor":"2","state":"SUCCESS","ready":true,'
        f"{REST}"
    ),
]


async def app(scope: Any, receive: Receive, send: Send) -> None:
    """Answer ``/<prefix>/task_status/t/``; any other id is unknown."""
    query = parse_qs(scope["query_string"].decode())
    headers = {key.decode(): value.decode() for key, value in scope["headers"]}
    after = int(headers.get("last-event-id") or query.get("after", ["0"])[0])
    known = scope["path"].endswith("/t/")
    tell = {"ws": websocket, "sse": sse, "poll": poll}[scope["path"].split("/")[1]]
    await tell(send, after, known)


async def websocket(send: Send, after: int, known: bool) -> None:
    """Send the frames, then close."""
    await send({"type": "websocket.accept"})
    for message in MESSAGES[after:] if known else []:
        await send({"type": "websocket.send", "text": message})
    await send({"type": "websocket.close", "code": 1000 if known else 4404})


async def sse(send: Send, after: int, known: bool) -> None:
    """Send the events, or 204 once there are none."""
    if not known:
        await respond(send, 404, b"{}")
    elif after == len(MESSAGES):
        await respond(send, 204, b"")
    else:
        events = [
            f"event: status\nid: {number}\ndata: {message}\n\n"
            for number, message in enumerate(MESSAGES[after:], start=after + 1)
        ]
        await respond(send, 200, "".join(events).encode())


async def poll(send: Send, after: int, known: bool) -> None:
    """Answer one message at a time."""
    if not known:
        await respond(send, 404, b"{}")
        return
    message = MESSAGES[min(after, 1)]
    ready = "true" if after else "false"
    body = f'{{"messages": [ {message} ], "cursor": "{min(after, 1) + 1}", "ready": {ready}}}'
    await respond(send, 200, body.encode())


async def respond(send: Send, status: int, body: bytes) -> None:
    """Send a whole response."""
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Serve the application on a free port of this loop; yield its URL."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, ws="websockets-sansio")
    server = uvicorn.Server(config)
    with config.bind_socket() as listener:
        # From here on a connection waits until the server takes it.
        listener.listen()
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
