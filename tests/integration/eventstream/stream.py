"""django-eventstream's own stream of a task, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django_eventstream import EventRequest

from taskstatus.access import make_token
from tests.harness.clients.event_stream import EventStreamParser
from tests.integration.streams.reading import TIMEOUT_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from taskstatus.testing import TaskDriver

__all__ = ["Stream", "event_request", "running"]

#: Long enough for a stream that goes round in circles to be caught at it.
QUIET_SECONDS = 0.5


def event_request(task: TaskDriver, *, token: str | None = None, last_id: str = "") -> EventRequest:
    """Return what django-eventstream makes of a request for a task's stream."""
    token = make_token(task.task_id) if token is None else token
    headers = {"Last-Event-ID": f"task-{task.task_id}:{last_id}"} if last_id else {}
    request = RequestFactory().get("/", {"token": token}, headers=headers)
    request.user = AnonymousUser()
    return EventRequest(request, view_kwargs={"task_id": task.task_id})


class Stream:
    """What one client of it is told."""

    def __init__(self, bodies: AsyncGenerator[str, None]) -> None:
        self.bodies = bodies
        self._parser = EventStreamParser()
        self._events: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        """Return the data of the next message."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not self._events:
                parsed = self._parser.feed((await anext(self.bodies)).encode())
                self._events += [json.loads(event.data) for event in parsed if event.data]
        return self._events.pop(0)

    async def is_quiet(self) -> bool:
        """Return whether the stream neither says nor does anything for a while."""
        reading = asyncio.ensure_future(anext(self.bodies))
        done, _ = await asyncio.wait([reading], timeout=QUIET_SECONDS)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        return not done


def running(before: set[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    """Return our tasks that run now and did not before."""
    return [task for task in asyncio.all_tasks() - before if "taskstatus" in repr(task)]
