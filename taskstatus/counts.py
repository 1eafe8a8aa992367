"""What this process has done, in plain numbers: cheap enough for every message.

A number is added to without a lock: from the event loop that serves, or by a publisher, where a
race could lose a count and nothing else. ``metrics.py`` shows them to Prometheus.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["COUNTS", "TRANSPORTS", "Counts"]

TRANSPORTS = ("websocket", "sse", "longpoll")


@dataclass(slots=True)
class Counts:
    """Since the process began, except for what is open now."""

    #: Streams that are open now, by transport.
    open: Counter[str] = field(default_factory=Counter)
    #: Messages that were handed to a client's connection.
    sent: int = 0
    #: Clients that came with a cursor.
    resumed: int = 0
    #: Those of them who got a snapshot, because what came after it is no longer kept.
    reset: int = 0
    #: Clients that were let go because they read too slowly.
    slow: int = 0
    #: Changes that the store would not take at the first try.
    unpublished: int = 0
    #: Readers that were behind, and were healed by reconciling.
    healed: int = 0


#: Those of this process. Forked children begin with their parent's, which are none in a worker.
COUNTS = Counts()
