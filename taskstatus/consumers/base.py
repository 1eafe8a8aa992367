"""What the two HTTP consumers share: one request, one task, one way out."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.http import AsyncHttpConsumer

from taskstatus.access import Caller, is_allowed
from taskstatus.drain import get_drain
from taskstatus.exceptions import SlowReader, TaskStatusError
from taskstatus.limits import connection_of
from taskstatus.pressure import MAX_UNSENT_BYTES
from taskstatus.problems import (
    FORBIDDEN,
    METHOD_NOT_ALLOWED,
    STORE_UNAVAILABLE,
    Problem,
    problem_of,
)
from taskstatus.requests import StreamRequest
from taskstatus.writer import STUCK_SECONDS, in_time

__all__ = ["TaskHttpConsumer", "admit", "check_pressure", "is_pressed", "relief", "stop"]

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0
STOP_TRIES = 10
MAX_BODY_BYTES = 65_536
RELIEF_SECONDS = 0.1


async def admit(scope: dict[str, Any], request: StreamRequest) -> Caller | None:
    """Return the caller when the policy lets it read the task, None otherwise."""
    caller = Caller(scope, token=request.token)
    return caller if await is_allowed(caller, request.task_id) else None


async def stop(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait for it, a few seconds at most."""
    # Again and again: before Python 3.12 a cancellation can get lost in asyncio.wait_for(), by
    # which redis-py sends, be it for a channel layer.
    for _ in range(STOP_TRIES):
        if task is None or task.done():
            return
        task.cancel()
        await asyncio.wait([task], timeout=STOP_SECONDS / STOP_TRIES)


def check_pressure(scope: dict[str, Any]) -> None:
    """Raise SlowReader when the server holds too much for this client."""
    if is_pressed(scope):
        raise SlowReader


def is_pressed(scope: dict[str, Any]) -> bool:
    """Return whether the server holds too much for this client."""
    unsent = scope.get("taskstatus.unsent")
    return unsent is not None and unsent() > MAX_UNSENT_BYTES


async def relief(scope: dict[str, Any]) -> None:
    """Give the client some time to take what the server holds for it."""
    unsent = scope.get("taskstatus.unsent")
    deadline = time.monotonic() + STUCK_SECONDS
    # The server gives no notice when it is rid of it.
    while unsent is not None and unsent() and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(RELIEF_SECONDS)


class TaskHttpConsumer(AsyncHttpConsumer):  # type: ignore[misc]
    """A GET for one task.

    ``respond()`` runs as a task of its own, so that a disconnect is noticed while it waits
    (``AsyncHttpConsumer.handle()`` blocks the dispatch). However it ends, it is stopped and the
    response is brought to an end: a response that stays open, or an exception after its start,
    would harm the whole server process on Daphne.
    """

    #: Everything comes through the hub, so consumers need no channel of their own.
    channel_layer_alias = None
    last_event_id = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.started = self.finished = False
        self._responding: asyncio.Task[None] | None = None
        self._serving: asyncio.Task[Any] | None = None
        self._stuck = False
        self._received = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request; nothing that was taken for it outlives this call."""
        self._serving = asyncio.current_task()
        with get_drain():
            try:
                await super().__call__(scope, receive, send)
            except asyncio.CancelledError:
                if not self._stuck:
                    raise
            finally:
                await stop(self._responding)

    async def dispatch(self, message: Any) -> None:
        """Handle one ASGI message. Without Channels' database upkeep: no ORM is used here."""
        await getattr(self, get_handler_name(message))(message)

    async def http_request(self, message: Any) -> None:
        """Begin to respond once the request is whole; its body is of no interest."""
        self._received += len(message.get("body", b""))
        if self._responding is None and (
            not message.get("more_body") or self._received > MAX_BODY_BYTES
        ):
            self._responding = asyncio.create_task(self._respond())

    async def http_disconnect(self, message: Any) -> None:
        """Stop: the client has gone, or the response is complete."""
        raise StopConsumer

    async def _respond(self) -> None:
        try:
            await self._try_to_respond()
        except TaskStatusError as error:
            await self.refuse(problem_of(error))
        except Exception:
            logger.exception("A request for a task failed")
            await self.refuse(STORE_UNAVAILABLE)
        if not self.finished:
            await self._finish()

    async def _finish(self) -> None:
        try:
            await in_time(self.send_body(b""))
        except SlowReader:
            # The server waits for the client, who reads nothing: returning makes it hang up.
            self._stuck = True
            if self._serving is not None:
                self._serving.cancel()

    async def _try_to_respond(self) -> None:
        if self.scope["method"] != "GET":
            await self.refuse(METHOD_NOT_ALLOWED)
            return
        request = StreamRequest.from_scope(self.scope, last_event_id=self.last_event_id)
        caller = await admit(self.scope, request)
        if caller is None:
            await self.refuse(FORBIDDEN)
            return
        with connection_of(caller):
            await self.respond(request, caller)

    async def respond(self, request: StreamRequest, caller: Caller) -> None:
        """Answer an admitted request."""
        raise NotImplementedError

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem, if nothing has been answered yet."""
        if not self.started:
            await self.send_response(problem.status, problem.body, headers=problem.headers)

    async def send_headers(self, **kwargs: Any) -> None:
        """Begin the response."""
        self.started = True
        await super().send_headers(**kwargs)

    async def send_body(self, body: bytes, *, more_body: bool = False) -> None:
        """Send a part of the response; the last one ends it."""
        self.finished = self.finished or not more_body
        await super().send_body(body, more_body=more_body)
