"""Runs a body as a task, in this process, and returns what was told of it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from taskstatus.stores import get_store
from tests.project.celery import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery.result import EagerResult

__all__ = ["run", "tracked"]


def run(body: Callable[[], Any]) -> tuple[EagerResult[Any], list[dict[str, Any]]]:
    """Run a body as an eager task; return Celery's result and all messages that are kept."""

    @app.task(name=f"tests.unit.{uuid.uuid4()}", shared=False)
    def task() -> Any:
        return body()

    result = task.apply()
    assert result.id is not None
    reading = get_store().read(result.id, 0)
    assert reading is not None
    del app.tasks[task.name]
    return result, [json.loads(message.json) for message in reading.messages]


def tracked(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the progress of those messages that are about progress."""
    return [message["progress"] for message in messages if message.get("state") == "PROGRESS"]
