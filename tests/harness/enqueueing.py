"""Enqueues real Celery tasks from inside a server process, as a view of a site would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.harness.site import post

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Enqueued", "enqueue", "enqueue_signature"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueued:
    """A task that has been sent to its queue, and a token to read it with."""

    task_id: str
    token: str


async def enqueue(
    base_url: str,
    task: str,
    *args: Any,
    kwargs: Mapping[str, Any] | None = None,
    cookies: Mapping[str, str] | None = None,
    **options: Any,
) -> Enqueued:
    """Send a task by its name; the options are those of Celery's ``send_task``."""
    order = {"task": task, "args": args, "kwargs": kwargs or {}, "options": options}
    return await _send(base_url, order, cookies)


async def enqueue_signature(
    base_url: str, signature: Mapping[str, Any], **options: Any
) -> Enqueued:
    """Send any canvas (chain, group, chord): a signature is a dict, and JSON all through."""
    return await _send(base_url, {"signature": signature, "options": options}, None)


async def _send(
    base_url: str, order: Mapping[str, Any], cookies: Mapping[str, str] | None
) -> Enqueued:
    headers = {"Cookie": "; ".join(f"{key}={value}" for key, value in (cookies or {}).items())}
    answer = await post(base_url, "/enqueue/", dict(order), headers=headers if cookies else {})
    return Enqueued(task_id=answer["task_id"], token=answer["token"])
