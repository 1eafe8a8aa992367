"""A task followed over the network: with nothing but its URL and a token."""

from __future__ import annotations

import time
from collections.abc import Callable

from taskstatus.messages import encode
from taskstatus.states import is_ready
from taskstatus.terminal.address import StreamAddress
from taskstatus.terminal.patience import Patience
from taskstatus.terminal.poll import Batch, LongPoll, NoStream, Trouble
from taskstatus.terminal.view import View

__all__ = ["RemoteFollower"]

#: Between polls that brought nothing and did not wait, as while a server is about to stop.
IDLE_SECONDS = 1.0


class RemoteFollower:
    """Shows what a server tells of a task until it ends.

    After every interruption it goes on after the last cursor, so that nothing is shown twice and
    nothing is left out that the server still has; where something is, the view is told.
    """

    def __init__(
        self,
        address: StreamAddress,
        view: View,
        patience: Patience,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = address
        self._view = view
        self._patience = patience
        self._sleep = sleep
        self._cursor = address.after
        self._version = 0
        self._state = ""

    def follow(self) -> str:
        """Show the messages and return the terminal state.

        Raises OutOfPatience, UnknownTask, BadRequest, Forbidden and NoStream.
        """
        with LongPoll(self._address) as poll:
            while not is_ready(self._state):
                asked = time.monotonic()
                try:
                    batch = poll.ask(self._cursor)
                except Trouble as trouble:
                    self._patience.wait(str(trouble), at_least=trouble.retry_after)
                    continue
                self._patience.answered()
                news = batch is not None and self._take(batch)
                if not news and time.monotonic() - asked < IDLE_SECONDS:
                    self._sleep(IDLE_SECONDS)
        return self._state

    def _take(self, batch: Batch) -> bool:
        """Show what is new; return whether the cursor has moved."""
        moved, self._cursor = batch.cursor != self._cursor, batch.cursor
        for message in batch.messages:
            reset = bool(message.get("reset"))
            if message["version"] <= self._version and not reset:
                continue
            self._version = message["version"]
            if reset:
                self._view.note("Some messages are no longer kept; this is how it stands.")
            if message.get("type") == "status":
                self._state = str(message.get("state"))
            self._view.show(encode(message))
        if batch.ready and not is_ready(self._state):
            raise NoStream(f"{self._address.host} says that the task has ended, but not how.")
        return moved or batch.ready
