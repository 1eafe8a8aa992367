"""How many connections one client may have open to this process."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from taskstatus.access import Caller
from taskstatus.conf import settings
from taskstatus.counts import COUNTS
from taskstatus.exceptions import SlowReader, TooManyConnections

__all__ = ["connection_of"]

_open: Counter[str] = Counter()


@contextlib.contextmanager
def connection_of(caller: Caller) -> Iterator[None]:
    """Count a connection of the caller while it is open.

    Raises TooManyConnections when the caller has MAX_CONNECTIONS_PER_CLIENT already.
    """
    client, transport = caller.client, _transport(caller.scope)
    if _open[client] >= settings.MAX_CONNECTIONS_PER_CLIENT:
        raise TooManyConnections
    _open[client] += 1
    COUNTS.open[transport] += 1
    try:
        yield
    except SlowReader:
        COUNTS.slow += 1
        raise
    finally:
        COUNTS.open[transport] -= 1
        _open[client] -= 1
        if not _open[client]:
            del _open[client]


def _transport(scope: dict[str, Any]) -> str:
    """Return which of TRANSPORTS this is; the routes begin with its name."""
    if scope.get("type") == "websocket":
        return "websocket"
    return "sse" if scope.get("path", "").startswith("/sse/") else "longpoll"
