"""Task id ⇄ channel of django-eventstream."""

from __future__ import annotations

__all__ = ["BEGINNING", "channel_of", "task_id_of"]

PREFIX = "task-"
#: The position before a task's snapshot. No message has it: versions begin at 1.
BEGINNING = 0


def channel_of(task_id: str) -> str:
    """Return the name of a task's channel."""
    return PREFIX + task_id


def task_id_of(channel: str) -> str | None:
    """Return the id of the task whose channel this is, None for a channel of the site's own."""
    return channel[len(PREFIX) :] if channel.startswith(PREFIX) else None
