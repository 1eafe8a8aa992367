"""How many connections one client may have open to this process."""

from __future__ import annotations

from collections import Counter
from typing import Any

from taskstatus.access import Caller
from taskstatus.conf import settings
from taskstatus.counts import COUNTS
from taskstatus.exceptions import SlowReader, TooManyConnections

__all__ = ["Counted"]

_open: Counter[tuple[str, str]] = Counter()


class Counted:
    """Counts a connection of the caller while it is entered.

    Entering raises TooManyConnections when the caller has MAX_CONNECTIONS_PER_CLIENT already.
    """

    __slots__ = ("_client", "_transport")

    def __init__(self, caller: Caller) -> None:
        self._client = caller.client
        self._transport = _transport(caller.scope)

    @property
    def is_one_too_many(self) -> bool:
        """Whether entering would raise."""
        return bool(_open[self._client] >= settings.MAX_CONNECTIONS_PER_CLIENT)

    def __enter__(self) -> None:
        if self.is_one_too_many:
            raise TooManyConnections
        self.begin()

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        COUNTS.slow += isinstance(error, SlowReader)
        self.end()

    def begin(self) -> None:
        """Count it."""
        _open[self._client] += 1
        COUNTS.open[self._transport] += 1

    def end(self) -> None:
        """Count it no more."""
        COUNTS.open[self._transport] -= 1
        _open[self._client] -= 1
        if not _open[self._client]:
            del _open[self._client]


def _transport(scope: dict[str, Any]) -> str:
    """Return which of TRANSPORTS this is; the routes begin with its name."""
    if scope.get("type") == "websocket":
        return "websocket"
    return "sse" if scope.get("path", "").startswith("/sse/") else "longpoll"
