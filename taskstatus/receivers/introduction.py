"""How a task becomes known: by whoever enqueues it, or by the first worker that sees it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from typing import Any

from celery import current_task

from taskstatus import changes, owner
from taskstatus.changes import Change
from taskstatus.messages import encode
from taskstatus.publisher import publish
from taskstatus.receivers import canvas

__all__ = ["OWNER", "enqueue", "ids", "introduced"]

#: The header of a task's message that names its owner.
OWNER = "taskstatus_owner"


def ids(task_id: str, info: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what a message's headers, or a request, say of the task's relatives."""
    relatives = {
        "parent_id": info.get("parent_id"),
        "root_id": info.get("root_id"),
        "group_id": info.get("group"),
    }
    if relatives["parent_id"] == task_id:
        # Celery says so of a task that replaces another one; whose child that was is on record.
        del relatives["parent_id"]
    return relatives


def enqueue(info: MutableMapping[str, Any], body: Any, *, name: str) -> None:
    """Publish that a task waits in its queue, and so do those that will come after it."""
    task: Any = current_task  # a proxy; falsy outside a task
    known = {task.request.id, *canvas.announced(task.request)} if task else set()
    user, task_id = owner.current(), info["id"]
    if user:
        # So that whoever runs it knows, too, should the store lose it.
        info[OWNER] = user
    _publish_pending(task_id, name, ids(task_id, info), user, is_known=task_id in known)
    if task_id in known:
        return  # and so are those after it
    for member in canvas.members(task_id, body, index=info.get("group_index")):
        relatives = {
            "parent_id": member.parent_id,
            "root_id": info.get("root_id"),
            "group_id": member.group_id,
        }
        is_known = member.task_id in known
        _publish_pending(member.task_id, member.name, relatives, user, is_known=is_known)


def _publish_pending(
    task_id: str, name: str, relatives: Mapping[str, str | None], user: str, *, is_known: bool
) -> None:
    change = changes.pending(task_id, name=name, ids=relatives, owner=user)
    if is_known:
        # It was created when it was announced.
        fields = {key: value for key, value in change.fields.items() if key != "created_at"}
        change = replace(change, fields=fields)
    publish(change)


def introduced(change: Change, name: str | None, info: Mapping[str, Any]) -> Change:
    """Return a change with what else is known of a task that may have come from anywhere."""
    relatives = ids(change.task_id, info)
    known = {key: encode(value) for key, value in {"name": name, **relatives}.items()}
    return replace(change, fields={**known, **change.fields})
