"""The groups of channels-redis's pub/sub layer, heard straight from Redis.

To Redis a group of that layer is a channel, so a process can subscribe to it by itself: one read
brings all messages that have come, Redis's own answer proves that a group is joined, and a thousand
groups are joined with one command. The layer takes a task switch, a timer and a parser in Python
for each message, and a message there and back for each group.

Used for that layer in its plain form (see groups.py); for all others there is membership.py. This
depends on how the layer names and serialises, and on one attribute of redis-py's connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from itertools import groupby
from operator import itemgetter
from typing import Any

from channels_redis.utils import create_pool, decode_hosts

from taskstatus.cancellation import stop
from taskstatus.groups import group_name
from taskstatus.line import Line
from taskstatus.membership import PROBE_SECONDS, RETRY_SECONDS, Hear

__all__ = ["PubSub"]

logger = logging.getLogger(__name__)

#: How long making a connection may take.
CONNECT_SECONDS = 2.0


class PubSub:
    """One connection, subscribed to the channels of the groups that are joined.

    It is made on first use, and anew when it is lost. ``returned`` is then called, once everything
    is subscribed to again: what was said meanwhile has not been heard.
    """

    def __init__(
        self, layer: Any, host: Any, prefix: str, *, hear: Hear, returned: Callable[[], None]
    ) -> None:
        self._layer = layer
        self._pool = create_pool(decode_hosts([host])[0])
        self._prefix = prefix
        self._hear = hear
        self._returned = returned
        self._line: Line | None = None
        self._keeping: asyncio.Task[None] | None = None
        #: The channels to be subscribed to, each with whoever waits for that.
        self._wanted: dict[str, asyncio.Future[bool] | None] = {}
        #: Commands that go out together, at the end of this turn of the event loop or once Redis
        #: has answered to those before: where many clients come, one command is for many of them.
        self._orders: list[tuple[str, str]] = []

    @property
    def quick(self) -> bool:
        """Whether there is a connection by which to join at once."""
        return self._line is not None

    async def join(self, task_id: str) -> bool:
        """Join a task's group; return whether Redis has said so, within PROBE_SECONDS.

        If not, it is joined once Redis is there. Raises nothing but CancelledError.
        """
        loop = asyncio.get_running_loop()
        if self._keeping is None:
            self._keeping = loop.create_task(self._keep())
        channel = self._channel(task_id)
        joined: asyncio.Future[bool] = loop.create_future()
        self._wanted[channel] = joined
        self._order("SUBSCRIBE", channel)
        timer = loop.call_later(PROBE_SECONDS, _give_up, joined)
        try:
            return await joined
        finally:
            timer.cancel()
            if self._wanted.get(channel) is joined:
                self._wanted[channel] = None

    async def leave(self, task_id: str) -> None:
        """Leave a task's group. Returns at once."""
        channel = self._channel(task_id)
        self._wanted.pop(channel, None)
        self._order("UNSUBSCRIBE", channel)

    async def aclose(self) -> None:
        """Close the connection, and stop to hear."""
        if self._keeping is not None:
            await stop(self._keeping)

    def _channel(self, task_id: str) -> str:
        return f"{self._prefix}__group__{group_name(task_id)}"

    def _order(self, command: str, channel: str) -> None:
        # Without a connection there is nothing to do: a new one begins with all that is wanted.
        if self._line is not None:
            if not self._orders:
                asyncio.get_running_loop().call_soon(self._send_orders)
            self._orders.append((command, channel))

    def _send_orders(self) -> None:
        if self._line is not None and self._line.is_answered:
            orders, self._orders = self._orders, []
            for command, some in groupby(orders, itemgetter(0)):
                joins = command == "SUBSCRIBE"
                self._line.send(
                    command, [(name, self._wanted.get(name) if joins else None) for _, name in some]
                )

    async def _keep(self) -> None:
        """Have a connection, for ever."""
        trouble = ""
        returned: Callable[[], None] | None = None
        while True:
            began = time.monotonic()
            try:
                async with self._connected() as line:
                    line.send("SUBSCRIBE", list(self._wanted.items()))
                    self._line = line
                    await line.attend(returned)
                trouble = ""
                logger.warning("The connection that hears of tasks is lost; readers will reconcile")
            except Exception as exc:  # noqa: BLE001 - who provides the password may raise anything
                # Once, not at each try.
                before, trouble = trouble, f"{type(exc).__name__}: {exc}"
                if trouble != before:
                    logger.warning("Redis can't be subscribed to, readers reconcile: %s", trouble)
            finally:
                self._line = None
                self._orders.clear()
            returned = self._returned
            if time.monotonic() < began + RETRY_SECONDS:
                await asyncio.sleep(RETRY_SECONDS)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Line]:
        connection = self._pool.make_connection()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.connect()
            # From here on what Redis says goes to the line, as soon as it comes.
            line = Line(self._take, self._send_orders)
            line.take_over(connection._writer.transport)
            yield line
        finally:
            await connection.disconnect(nowait=True)

    def _take(self, body: bytes) -> int:
        return self._hear(self._layer.deserialize(body))


def _give_up(joined: asyncio.Future[bool]) -> None:
    if not joined.done():
        logger.warning("Redis does not answer to SUBSCRIBE; readers will reconcile")
        joined.set_result(False)
