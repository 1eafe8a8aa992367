"""How many connections one client may have open to this process."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from taskstatus.access import Caller
from taskstatus.conf import settings
from taskstatus.exceptions import TooManyConnections

__all__ = ["connection_of"]

_open: Counter[str] = Counter()


@contextlib.contextmanager
def connection_of(caller: Caller) -> Iterator[None]:
    """Count a connection of the caller while it is open.

    Raises TooManyConnections when the caller has MAX_CONNECTIONS_PER_CLIENT already.
    """
    client = caller.client
    if _open[client] >= settings.MAX_CONNECTIONS_PER_CLIENT:
        raise TooManyConnections
    _open[client] += 1
    try:
        yield
    finally:
        _open[client] -= 1
        if not _open[client]:
            del _open[client]
