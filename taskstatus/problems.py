"""What went wrong, as the client is told: RFC 9457 over HTTP, a close code over WebSocket."""

from __future__ import annotations

import json
from dataclasses import dataclass

from taskstatus.exceptions import (
    AlreadyFinished,
    BadRequest,
    Forbidden,
    Restarting,
    SlowReader,
    StoreUnavailable,
    TaskStatusError,
    TooManyConnections,
    TooManyTasks,
    UnknownTask,
)

__all__ = [
    "ALREADY_FINISHED",
    "BAD_REQUEST",
    "FORBIDDEN",
    "METHOD_NOT_ALLOWED",
    "RESTARTING",
    "STORE_UNAVAILABLE",
    "TOO_MANY_CONNECTIONS",
    "TOO_MANY_TASKS",
    "TOO_SLOW",
    "UNKNOWN_TASK",
    "Problem",
    "problem_of",
]

RETRY_AFTER_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of refusal."""

    status: int
    code: str
    title: str
    #: The WebSocket close code.
    close_code: int
    detail: str = ""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The HTTP headers that go with it."""
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"cache-control", b"no-store"),
        ]
        if self.status == 405:
            headers.append((b"allow", b"GET"))
        if self.status in {429, 503}:
            headers.append((b"retry-after", b"%d" % RETRY_AFTER_SECONDS))
        return headers

    @property
    def body(self) -> bytes:
        """The HTTP body."""
        return json.dumps(self._content).encode()

    def message(self, task_id: str) -> str:
        """Return the message by which a client that follows several tasks is told of this one."""
        return json.dumps({"type": "problem", "task_id": task_id, **self._content})

    @property
    def _content(self) -> dict[str, str | int]:
        return {
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "code": self.code,
        }


BAD_REQUEST = Problem(400, "bad_request", "The request is malformed.", 4400)
FORBIDDEN = Problem(
    403,
    "forbidden",
    "This needs a token for the task, or a session that may see it.",
    4403,
)
UNKNOWN_TASK = Problem(404, "unknown_task", "There is no such task.", 4404)
ALREADY_FINISHED = Problem(409, "already_finished", "The task has already ended.", 1000)
METHOD_NOT_ALLOWED = Problem(405, "method_not_allowed", "This method is not answered here.", 4400)
TOO_MANY_CONNECTIONS = Problem(
    429, "too_many_connections", "This client has as many connections as it may.", 4429
)
TOO_MANY_TASKS = Problem(
    429, "too_many_tasks", "This connection follows as many tasks as it may.", 4429
)
TOO_SLOW = Problem(503, "too_slow", "The client reads too slowly.", 4408)
RESTARTING = Problem(503, "restarting", "The server restarts; come back with the cursor.", 4412)
STORE_UNAVAILABLE = Problem(
    503, "store_unavailable", "The status store does not answer; try again soon.", 4412
)


def problem_of(error: TaskStatusError) -> Problem:
    """Return what a client is told of an error of ours."""
    match error:
        case BadRequest():
            return Problem(400, BAD_REQUEST.code, BAD_REQUEST.title, 4400, str(error))
        case Forbidden():
            return FORBIDDEN
        case AlreadyFinished():
            return ALREADY_FINISHED
        case UnknownTask():
            return UNKNOWN_TASK
        case StoreUnavailable():
            return STORE_UNAVAILABLE
        case Restarting():
            return RESTARTING
        case TooManyConnections():
            return TOO_MANY_CONNECTIONS
        case TooManyTasks():
            return TOO_MANY_TASKS
        case SlowReader():
            return TOO_SLOW
        case _:
            raise error
