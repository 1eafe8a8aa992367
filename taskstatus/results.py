"""Celery's result backend: what is known of a task that the store knows nothing of.

Never the authority (it has no versions, forgets tasks with ``ignore_result``, and calls unknown
tasks PENDING), but it still has the end of a task that was enqueued by a foreign publisher, or
whose record the store has lost.
"""

from __future__ import annotations

import asyncio
import logging

from celery import current_app, states

from taskstatus import changes
from taskstatus.changes import Change
from taskstatus.conf import settings
from taskstatus.publisher import publish
from taskstatus.states import State

__all__ = ["arestore", "restore"]

logger = logging.getLogger(__name__)

BACKEND_SECONDS = 3.0


def restore(task_id: str) -> bool:
    """Record what the result backend knows of a task; return whether it knows anything.

    Takes as long as the backend does. Raises nothing.
    """
    try:
        meta = current_app.backend.get_task_meta(task_id)
    except Exception as exc:  # noqa: BLE001 - backends raise what they like, even NotImplementedError
        logger.info("The result backend can't be asked: %r", exc)
        return False
    change = _change(task_id, meta)
    if change is None:
        return False
    publish(change)
    return True


async def arestore(task_id: str) -> bool:
    """See restore(). Takes at most BACKEND_SECONDS, off the event loop."""
    try:
        async with asyncio.timeout(BACKEND_SECONDS):
            return await asyncio.to_thread(restore, task_id)
    except TimeoutError:
        logger.warning("The result backend did not answer in %s s", BACKEND_SECONDS)
        return False


def _change(task_id: str, meta: dict[str, object]) -> Change | None:
    state, result = meta.get("status"), meta.get("result")
    if state == states.PENDING:
        return None
    if state == states.SUCCESS:
        return changes.succeeded_elsewhere(task_id, result, max_bytes=settings.MAX_RESULT_BYTES)
    if state == states.FAILURE:
        return changes.failed(task_id, result if isinstance(result, BaseException) else None)
    if state == states.REVOKED:
        return changes.revoked(task_id, str(result or "revoked"))
    # It runs, but not under our eyes: the best that can be said is that it has begun.
    return Change(task_id=task_id, state=State.STARTED)
