"""How long one stream may live."""

from __future__ import annotations

import math
import random
import time

from taskstatus.access import Caller
from taskstatus.conf import settings

__all__ = ["access_seconds", "stream_seconds"]

JITTER = 0.1


def stream_seconds(caller: Caller) -> float:
    """Return how many seconds a stream may live from now: MAX_STREAM_SECONDS, jittered so that
    not all clients come back at once, and never longer than the caller's access."""
    seconds = settings.MAX_STREAM_SECONDS * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return min(seconds, access_seconds(caller))


def access_seconds(caller: Caller) -> float:
    """Return how many seconds the caller's access lasts from now, infinity when it has no end."""
    return math.inf if caller.expires is None else max(0.0, caller.expires - time.time())
