"""WebSocket of several tasks (PROTOCOL §10)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

from taskstatus.access import Caller
from taskstatus.cancellation import stop
from taskstatus.conf import settings
from taskstatus.consumers.bundle import OPENING
from taskstatus.consumers.outlet import Gone
from taskstatus.consumers.pumps import Pumps
from taskstatus.consumers.socket import ENDED, HEARTBEAT, SocketConsumer, text_frame
from taskstatus.consumers.strand import Strand
from taskstatus.deadline import stream_seconds
from taskstatus.drain import get_drain
from taskstatus.exceptions import (
    BadRequest,
    Forbidden,
    Restarting,
    SlowReader,
    TaskStatusError,
    TooManyConnections,
    TooManyTasks,
    UnknownTask,
)
from taskstatus.frames import Frame, parse_frame
from taskstatus.limits import Counted
from taskstatus.messages import Message
from taskstatus.problems import BAD_REQUEST, RESTARTING, TOO_SLOW, problem_of
from taskstatus.requests import MAX_TASKS_PER_CONNECTION, BundleRequest

__all__ = ["BundleWebSocketConsumer"]

#: How long a connection may follow nothing.
IDLE_SECONDS = 60.0


class BundleWebSocketConsumer(SocketConsumer):
    """Opens empty; the client subscribes to tasks, and unsubscribes from them."""

    _request: BundleRequest
    _caller: Caller

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pumps = Pumps()
        self._gate = asyncio.Semaphore(OPENING)
        #: What follows each task; in front of it what did before, until that has ended.
        self._following: dict[str, list[asyncio.Task[None]]] = {}
        self._idle_since = time.monotonic()
        self._counted = contextlib.ExitStack()
        self._is_counted = self._is_refused = False

    async def serve(self) -> int:
        """Follow what the client subscribes to until it goes, or is to come back."""
        self._request = BundleRequest.from_scope(self.scope)
        self._caller = Caller(self.scope)
        with self._counted:
            async with self._pumps:
                self._pumps.start(_restart())
                return await self._attend()

    async def _attend(self) -> int:
        deadline = time.monotonic() + stream_seconds(self._caller)
        beat = time.monotonic() + settings.KEEPALIVE_SECONDS
        while True:
            now = time.monotonic()
            if self._following:
                self._idle_since = now
            idle = self._idle_since + IDLE_SECONDS
            if now >= deadline:
                return RESTARTING.close_code
            if now >= idle:
                return ENDED
            if now >= beat:
                beat = now + settings.KEEPALIVE_SECONDS
                if self._request.heartbeat:
                    await self._say(HEARTBEAT)
            await self._pumps.wait(min(deadline, idle, beat) - now)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Do what a frame asks for; what is none of ours ends the connection."""
        try:
            frame = parse_frame(text_data)
            if frame is not None and self._pumps.open:
                await self._heed(frame)
        except BadRequest:
            await self.close(BAD_REQUEST.close_code)
        except SlowReader:
            await self.close(TOO_SLOW.close_code)
        except Gone:
            pass  # the server is about to say so

    async def _heed(self, frame: Frame) -> None:
        before = self._following.get(frame.task_id, [])
        for task in before:
            task.cancel()
        try:
            after = self._check(frame)
        except (BadRequest, TooManyTasks) as error:
            await self._refuse(frame, error)
            return
        if frame.type == "subscribe":
            task = self._pumps.start(self._follow(frame, after, list(before)))
            self._following[frame.task_id] = [*before, task]
            task.add_done_callback(lambda task: self._forget(frame.task_id, task))

    def _check(self, frame: Frame) -> int | None:
        """Return the version to go on from. Raises BadRequest and TooManyTasks."""
        after = frame.check()
        # What is being stopped, this task's own among it, makes room.
        followed = sum(not tasks[-1].cancelling() for tasks in self._following.values())
        if frame.type == "subscribe" and followed >= MAX_TASKS_PER_CONNECTION:
            raise TooManyTasks
        return after

    def _forget(self, task_id: str, task: asyncio.Task[None]) -> None:
        rest = [other for other in self._following[task_id] if other is not task]
        if rest:
            self._following[task_id] = rest
        else:
            del self._following[task_id]
            self._idle_since = time.monotonic()

    async def _follow(
        self, frame: Frame, after: int | None, before: Sequence[asyncio.Task[None]]
    ) -> None:
        await stop(*before)
        strand = Strand(
            frame.task_id, after=after or None, types=self._request.types, gate=self._gate
        )
        tokens = (frame.token, *self._request.tokens) if frame.token else self._request.tokens
        try:
            self._count(await strand.admit(self._caller, tokens))
            await self._send_all(await _begin(strand))
            await strand.pump(write=self.writer(), send=self._send_all)
        except (Forbidden, UnknownTask) as error:
            await self._refuse(frame, error)
        finally:
            await strand.close()

    def _count(self, caller: Caller) -> None:
        """Count the connection once, as that of whoever was first let read something.

        Raises TooManyConnections, and then for every other task as well.
        """
        if self._is_counted:
            return
        if self._is_refused:
            raise TooManyConnections
        self._is_refused = True
        self._counted.enter_context(Counted(caller))
        self._is_counted = True

    async def _refuse(self, frame: Frame, error: TaskStatusError) -> None:
        await self._say(text_frame(problem_of(error).message(frame.task_id)))

    async def _send_all(self, messages: Sequence[Message]) -> None:
        for message in messages:
            await self._say(text_frame(message.json))

    async def _say(self, frame: dict[str, Any]) -> None:
        await self.outlet.ready()
        await self.outlet.send(frame)


async def _begin(strand: Strand) -> list[Message]:
    try:
        return await strand.open()
    except UnknownTask:
        return await strand.find()


async def _restart() -> None:
    """Raise Restarting when the process is about to stop, followed tasks or not."""
    await get_drain().wait()
    raise Restarting
