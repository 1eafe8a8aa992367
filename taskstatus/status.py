"""TaskStatus: the current state of a task, as a value. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

__all__ = ["Progress", "TaskStatus"]

_TIMES = ("created_at", "started_at", "updated_at", "finished_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a task is. What is unknown is None, never invented."""

    current: float | None
    total: float | None = None
    #: 0 to 100.
    percent: float | None = None
    message: str = ""
    #: Per second.
    rate: float | None = None
    #: Seconds.
    eta: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """A task's status message as a value; the names are those of the protocol (PROTOCOL §2)."""

    task_id: str
    name: str | None
    state: str
    #: Whether the state is terminal.
    ready: bool
    cursor: str
    version: int
    progress: Progress | None
    result: Any
    #: ``not-json`` or ``too-large`` when there is a result that is not sent along.
    result_omitted: str | None = None
    error: str | None
    error_type: str | None
    retries: int
    stalled: bool
    created_at: datetime | None
    started_at: datetime | None
    updated_at: datetime | None
    finished_at: datetime | None
    parent_id: str | None
    root_id: str | None
    group_id: str | None

    @classmethod
    def from_json(cls, text: str | bytes) -> TaskStatus:
        """Return the status that a message holds; keys that are not known here are ignored.

        Raises ValueError for what is not JSON, TypeError for what is not a status.
        """
        values = _known(cls, json.loads(text))
        for key in _TIMES:
            if values.get(key) is not None:
                values[key] = datetime.fromisoformat(values[key])
        if values.get("progress") is not None:
            values["progress"] = Progress(**_known(Progress, values["progress"]))
        return cls(**values)


def _known(cls: type[Progress | TaskStatus], data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TypeError(f"{cls.__name__} is made from an object, not from {data!r}")
    names = {field.name for field in fields(cls)}
    return {key: value for key, value in data.items() if key in names}
