"""
Transports that a visitor has cut, to see what the client makes of it.

What is cut is kept in Redis, because any process of the site may serve the next connection. A
connection that is cut ends without a word of ours, and new ones are refused.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["TRANSPORTS", "CuttableStreams", "cut", "cuts_of"]

TRANSPORTS = ("ws", "sse", "poll")
_KEPT_SECONDS = 600
_LOOK_SECONDS = 0.5
_STREAM = re.compile(rf"/({'|'.join(TRANSPORTS)})/task_status/([0-9a-f-]{{36}})/\Z")
_BAD_GATEWAY = {
    "type": "http.response.start",
    "status": 502,
    "headers": [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")],
}
_END = {"type": "http.response.body", "body": b"", "more_body": False}


def cut(task_id: str, transport: str, *, is_cut: bool) -> None:
    """Cut a transport for a task, or mend it. It mends itself after some minutes."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        if is_cut:
            client.sadd(_key(task_id), transport)
            client.expire(_key(task_id), _KEPT_SECONDS)
        else:
            client.srem(_key(task_id), transport)


def cuts_of(task_id: str) -> list[str]:
    """Return which transports are cut."""
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        return [name for name in TRANSPORTS if client.sismember(_key(task_id), name)]


class CuttableStreams:
    """ASGI: passes everything on, as long as it is not cut."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a connection."""
        stream = _STREAM.match(scope.get("path", ""))
        if stream is None or scope["type"] not in {"http", "websocket"}:
            await self._application(scope, receive, send)
            return
        transport, task_id = stream.groups()
        if await _is_cut(transport, task_id):
            await _end(transport, send, has_begun=False)
            return
        serving = asyncio.ensure_future(self._application(scope, receive, send))
        watching = asyncio.create_task(_wait_for_cut(transport, task_id))
        try:
            await asyncio.wait({serving, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                serving.cancel()
                await asyncio.wait({serving})
                await _end(transport, send, has_begun=True)
                return
        finally:
            serving.cancel()
            watching.cancel()
        await serving


async def _end(transport: str, send: Any, *, has_begun: bool) -> None:
    if transport == "ws":
        # As a server does that fails (RFC 6455, section 7.4.1).
        await send({"type": "websocket.close", "code": 1011})
        return
    # A stream has begun at once; a long-poll begins when there is something to tell.
    if not has_begun or transport == "poll":
        await send(_BAD_GATEWAY)
    await send(_END)


async def _wait_for_cut(transport: str, task_id: str) -> None:
    # Another process may have been told, so there is no event to wait for.
    while not await _is_cut(transport, task_id):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_SECONDS)


async def _is_cut(transport: str, task_id: str) -> bool:
    try:
        return bool(await _client().sismember(_key(task_id), transport))
    except RedisError:
        return False


@lru_cache(maxsize=1)
def _client() -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(settings.REDIS_URL)


def _key(task_id: str) -> str:
    return f"demo:cut:{task_id}"
