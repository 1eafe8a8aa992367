"""What all consumers share: one connection, one task that serves it, one way out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer

from taskstatus.cancellation import stop
from taskstatus.checkups import check_always, check_when_due
from taskstatus.collector import tune_collector
from taskstatus.consumers.outlet import Outlet
from taskstatus.drain import get_drain
from taskstatus.exceptions import SlowReader
from taskstatus.writer import in_time

__all__ = ["Connection"]


class Connection(AsyncConsumer):  # type: ignore[misc]
    """A consumer whose work runs as a task of its own, so that a disconnect is noticed meanwhile.

    However it ends, the work is stopped, and nothing that was taken for it outlives the call.
    """

    outlet: Outlet

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._working: asyncio.Task[None] | None = None
        self._serving: asyncio.Task[Any] | None = None
        self._stuck = False
        self._rests = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection.

        Unlike Channels' own, this makes no task for each message that is received, and looks for no
        channel layer.
        """
        tune_collector()
        self.scope, self.base_send = scope, send
        self.outlet = Outlet(scope, send)
        self._serving = asyncio.current_task()
        with get_drain():
            try:
                while True:
                    await self.dispatch(await receive())
            except StopConsumer:
                pass
            except asyncio.CancelledError:
                if not self._stuck:
                    raise
            finally:
                if self._rests:
                    check_always(scope.get("taskstatus.send"))
                self.outlet.close()
                if self._working is not None:
                    await stop(self._working)
                # A task that was cancelled knows where, and so holds us: a circle that only
                # Python's collector would find.
                self._working = self._serving = None

    async def dispatch(self, message: Any) -> None:
        """Handle one ASGI message. Without Channels' database upkeep: no ORM is used here."""
        await getattr(self, get_handler_name(message))(message)

    def rest(self) -> None:
        """Let the server look at this connection when there is something to see, and only then."""
        self._rests = True
        check_when_due(self.scope.get("taskstatus.send"))

    def work(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin to serve."""
        self._working = asyncio.create_task(work)

    @property
    def is_working(self) -> bool:
        """Whether serving has begun."""
        return self._working is not None

    async def end_with(self, sending: Awaitable[None]) -> None:
        """Send what ends the connection."""
        try:
            await in_time(sending)
        except SlowReader:
            # The server waits for the client, who reads nothing: returning makes it hang up.
            self._stuck = True
            if self._serving is not None:
                self._serving.cancel()
