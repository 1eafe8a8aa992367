"""How long one stream may live."""

from __future__ import annotations

import math
import random
import time

from taskstatus.access import Caller, is_settled, is_still_allowed
from taskstatus.conf import settings

__all__ = ["Access", "Deadline", "access_seconds", "stream_seconds", "trusted_seconds"]

JITTER = 0.1
#: What is left when it is time to look again: not nothing, which would be the end.
MIN_SECONDS = 0.001


def stream_seconds(caller: Caller) -> float:
    """Return how many seconds a stream may live from now: MAX_STREAM_SECONDS, jittered so that
    not all clients come back at once, and never longer than the caller's access."""
    seconds = settings.MAX_STREAM_SECONDS * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return min(seconds, access_seconds(caller))


def access_seconds(caller: Caller) -> float:
    """Return how many seconds the caller's access lasts from now, infinity when it has no end."""
    return math.inf if caller.expires is None else max(0.0, caller.expires - time.time())


def trusted_seconds(caller: Caller) -> float:
    """Return for how long a caller who was just let in need not be asked about again."""
    return min(access_seconds(caller), _until_next_look())


class Access:
    """Whether a caller who was let in may read a task still.

    Every RECHECK_SECONDS the access policy is asked anew, unless it is known what it would say: a
    session and its user are loaded again, and a policy of the project's own may change its mind.
    """

    __slots__ = ("_caller", "_look", "_over", "_task_id")

    def __init__(self, caller: Caller, task_id: str) -> None:
        self._caller = caller
        self._task_id = task_id
        self._look = math.inf if is_settled(caller) else time.monotonic() + _until_next_look()
        self._over = False

    async def left(self) -> float:
        """Return for how many seconds it lasts before this is asked again; 0 once it has ended."""
        if not self._over and time.monotonic() >= self._look:
            self._over = not await is_still_allowed(self._caller, self._task_id)
            self._look = time.monotonic() + _until_next_look()
        if self._over:
            return 0.0
        return min(access_seconds(self._caller), max(MIN_SECONDS, self._look - time.monotonic()))


class Deadline:
    """When one stream is over: at the end of its time, or of its caller's access."""

    __slots__ = ("_access", "_end")

    def __init__(self, caller: Caller, task_id: str) -> None:
        self._access = Access(caller, task_id)
        self._end = time.monotonic() + stream_seconds(caller)

    async def left(self) -> float:
        """Return for how many seconds the stream may go on before this is asked again; 0 when it
        is over."""
        left = await self._access.left()
        return max(0.0, min(self._end - time.monotonic(), left))


def _until_next_look() -> float:
    # Streams that began together do not all ask the database together.
    return settings.RECHECK_SECONDS * random.uniform(1 - 2 * JITTER, 1)  # noqa: S311
