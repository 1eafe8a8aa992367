"""A task's status as a client gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.harness.site import Site
    from tests.harness.steps import Step

__all__ = ["STATUS_KEYS", "status_after"]

#: Of each status; ``reset`` and ``result_omitted`` come in some.
STATUS_KEYS = {
    *("type", "task_id", "name", "state", "ready", "cursor", "version", "progress", "result"),
    *("error", "error_type", "retries", "stalled", "created_at", "started_at", "updated_at"),
    *("finished_at", "parent_id", "root_id", "group_id"),
}


async def status_after(site: Site, *life: Step, transport: str = "websocket") -> dict[str, Any]:
    """Return the status that a client gets after such a life."""
    task = await site.task(*life)
    async with task.follow(transport) as client:
        return (await client.next()).data
