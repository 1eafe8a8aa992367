"""What the tutorial's server does for each client."""

from __future__ import annotations

import json
from typing import Any

from celery import Celery
from celery.result import AsyncResult
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

__all__ = ["TaskStatusConsumer", "group_name"]

app = Celery("tutorial", backend=settings.REDIS_URL)


def group_name(task_id: str) -> str:
    """Return the name of a task's group."""
    return f"task_{task_id}"


class TaskStatusConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Sends the state once, then whatever the group brings."""

    async def connect(self) -> None:
        """Join the group, accept, and send what the result backend knows."""
        self.task_id = self.scope["url_route"]["kwargs"]["task_id"]
        await self.channel_layer.group_add(group_name(self.task_id), self.channel_name)
        await self.accept()
        state = await database_sync_to_async(self.get_state)()
        await self.send(text_data=json.dumps({"state": state}))

    def get_state(self) -> str:
        """Ask the result backend."""
        return AsyncResult(self.task_id, app=app).state

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard(group_name(self.task_id), self.channel_name)

    async def task_status_update(self, event: dict[str, Any]) -> None:
        """Send what the worker has said."""
        await self.send(text_data=json.dumps(event["data"]))
