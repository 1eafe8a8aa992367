"""The groups that a process has joined, by the channel layer's public API: any layer will do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable
from typing import Any

from taskstatus.cancellation import heeded, stop
from taskstatus.groups import group_name

__all__ = ["LAYER_SECONDS", "PROBE_SECONDS", "RETRY_SECONDS", "TURN", "Hear", "Membership"]

logger = logging.getLogger(__name__)

#: How long the layer may take to prove that a group is joined, and to do anything else.
PROBE_SECONDS = 1.0
LAYER_SECONDS = 2.0
#: Wait before the next try when the layer is away.
RETRY_SECONDS = 0.5
#: What is heard before others get a turn, in what ``Hear`` returns.
TURN = 65_536

#: Takes a group message; returns how much work it was, in characters of JSON.
Hear = Callable[[dict[str, Any]], int]


class Membership:
    """One channel of a layer, which is added to the groups that are joined.

    Whether what is sent to a group arrives is proved by sending something: layers differ in what
    ``group_add()`` has done when it returns.
    """

    #: Joining takes several messages, there and back.
    quick = False

    def __init__(self, layer: Any, hear: Hear) -> None:
        self._layer = layer
        self._hear = hear
        self._channel: str | None = None
        self._opening = asyncio.Lock()
        self._receiving: asyncio.Task[None] | None = None
        self._probes: dict[str, asyncio.Future[None]] = {}

    async def join(self, task_id: str) -> bool:
        """Join a task's group; return whether a message sent through it is known to arrive here.

        Takes LAYER_SECONDS at most. Raises nothing but CancelledError.
        """
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                await self._open()
                with heeded():
                    await self._layer.group_add(group_name(task_id), self._channel)
                proved = await self._prove(task_id)
        except asyncio.CancelledError:
            raise
        except Exception as exc:  # noqa: BLE001 - layers raise what they like
            logger.warning("The group of a task can't be joined: %r", exc)
            return False
        if not proved:
            logger.warning("The channel layer does not deliver; readers will reconcile")
        return proved

    async def leave(self, task_id: str) -> None:
        """Leave a task's group. Raises nothing but CancelledError."""
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                with heeded():
                    await self._layer.group_discard(group_name(task_id), self._channel)
        except Exception as exc:  # noqa: BLE001 - layers raise what they like
            logger.info("The group of a task can't be left: %r", exc)

    async def aclose(self) -> None:
        """Stop to hear."""
        if self._receiving is not None:
            await stop(self._receiving)

    async def _open(self) -> None:
        """Make this process's channel, and begin to receive."""
        async with self._opening:
            if self._channel is None:
                self._channel = await self._layer.new_channel()
                self._receiving = asyncio.create_task(self._receive(self._channel))

    async def _prove(self, task_id: str) -> bool:
        """Send probes through the group until one arrives; the first may overtake the joining."""
        nonce = uuid.uuid4().hex
        arrived = self._probes[nonce] = asyncio.get_running_loop().create_future()
        probe = {"type": "task.probe", "task_id": task_id, "nonce": nonce}
        wait = 0.02
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                while not arrived.done():
                    with heeded():
                        await self._layer.group_send(group_name(task_id), probe)
                    await asyncio.wait([arrived], timeout=wait)
                    wait *= 2
        except TimeoutError:
            return False
        finally:
            del self._probes[nonce]
        return True

    async def _receive(self, channel: str) -> None:
        work = 0
        while True:
            try:
                message = await self._layer.receive(channel)
            except Exception as exc:  # noqa: BLE001 - layers raise what they like
                # The core layer gives up now and then; memberships outlive it (or reconciling
                # renews them), and what was lost meanwhile is found by reconciling.
                logger.info("Receiving from the channel layer failed: %r", exc)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                work += self._take(message)
            except Exception:
                logger.exception("A group message could not be read")
            if work > TURN:
                work = 0
                await asyncio.sleep(0)

    def _take(self, message: dict[str, Any]) -> int:
        arrived = self._probes.get(message.get("nonce", ""))
        if arrived is None:
            return self._hear(message)
        with contextlib.suppress(asyncio.InvalidStateError):  # an earlier probe has arrived
            arrived.set_result(None)
        return 0
