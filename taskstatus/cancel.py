"""Ask a task to stop."""

from __future__ import annotations

import asyncio
import logging

from celery import current_app

from taskstatus.exceptions import AlreadyFinished, UnknownTask
from taskstatus.stores import get_store

__all__ = ["acancel", "cancel"]

logger = logging.getLogger(__name__)


def cancel(task_id: str) -> None:
    """Ask a task to stop: it is revoked if it has not begun; else its next ``track()`` step or
    ``progress()`` raises Cancelled. The end comes as REVOKED. Asking twice is as good as once.

    No access check: that is the caller's. Raises UnknownTask, AlreadyFinished, StoreUnavailable.
    """
    match get_store().ask_to_stop(task_id):
        case "unknown":
            raise UnknownTask
        case "finished":
            raise AlreadyFinished
    try:
        current_app.control.revoke(task_id)
    except Exception as exc:  # noqa: BLE001 - brokers raise what they like; the store has the wish
        logger.warning("The workers can't be told that a task is revoked: %r", exc)


async def acancel(task_id: str) -> None:
    """See cancel()."""
    await asyncio.to_thread(cancel, task_id)
