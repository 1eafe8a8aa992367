"""A connection for one task: admitted, counted, followed."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from taskstatus.access import Caller, admit
from taskstatus.conf import settings
from taskstatus.feed import Feed, follow
from taskstatus.requests import StreamRequest

__all__ = ["caller_of", "open_feed"]


async def caller_of(scope: dict[str, Any], request: StreamRequest) -> Caller:
    """Return who asks, as let in. Raises Forbidden."""
    caller = await admit(Caller(scope), request.task_id, [request.token])
    caller.forget_tokens()
    return caller


def open_feed(
    request: StreamRequest, *, wait: float | None = None
) -> AbstractAsyncContextManager[Feed]:
    """Open the feed that a request is for; leaving gives everything back.

    Raises what ``follow()`` raises. A task of which the store has lost the record is waited for,
    ``wait`` seconds at most where that is given.
    """
    patience = settings.RECONCILE_SECONDS
    return follow(
        request.task_id,
        after=request.after,
        types=request.types,
        patience=patience if wait is None else min(wait, patience),
        # Who does not wait wants to know what the store knows at this moment.
        recall=wait != 0,
    )
