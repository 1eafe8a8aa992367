"""A connection for one task: admitted, counted, followed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from taskstatus.access import Caller, admit
from taskstatus.conf import settings
from taskstatus.feed import Feed, follow
from taskstatus.limits import connection_of
from taskstatus.requests import StreamRequest

__all__ = ["open_feed"]


@contextlib.asynccontextmanager
async def open_feed(
    scope: dict[str, Any], request: StreamRequest, *, wait: float | None = None
) -> AsyncIterator[tuple[Feed, Caller]]:
    """Open the feed that a request is for; leaving gives everything back.

    Raises Forbidden, TooManyConnections, and what ``follow()`` raises. A task of which the store
    has lost the record is waited for, ``wait`` seconds at most where that is given.
    """
    caller = await admit(Caller(scope), request.task_id, [request.token])
    patience = settings.RECONCILE_SECONDS
    stream = follow(
        request.task_id,
        after=request.after,
        types=request.types,
        patience=patience if wait is None else min(wait, patience),
        # Who does not wait wants to know what the store knows at this moment.
        recall=wait != 0,
    )
    with connection_of(caller):
        async with stream as feed:
            yield feed, caller
