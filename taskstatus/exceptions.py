"""What can go wrong, in one tree.

- TaskStatusError
    - UnknownTask: no record of this task
    - Forbidden: the caller may not read this task
    - AlreadyFinished: the task has ended, so it can't be stopped
    - BadRequest: a malformed task id, cursor or parameter
    - Restarting: this server process is about to stop
    - SlowReader: the client is further behind than is kept for it
    - TooManyConnections: this client has as many as it may
    - TooManyTasks: this connection follows as many as it may
    - StoreUnavailable: the store does not answer
    - SettingError (also ImproperlyConfigured): a ``TASKSTATUS_`` setting is wrong
- Cancelled: raised inside a task that was asked to stop
"""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

__all__ = [
    "AlreadyFinished",
    "BadRequest",
    "Cancelled",
    "Forbidden",
    "Restarting",
    "SettingError",
    "SlowReader",
    "StoreUnavailable",
    "TaskStatusError",
    "TooManyConnections",
    "TooManyTasks",
    "UnknownTask",
]


class TaskStatusError(Exception):
    """Something in taskstatus failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class UnknownTask(TaskStatusError):
    """There is no such task, or its status is no longer kept."""


class Forbidden(TaskStatusError):
    """This needs a token for the task, or a session that may see it."""


class AlreadyFinished(TaskStatusError):
    """The task has already ended."""


class BadRequest(TaskStatusError):
    """The request is malformed."""


class Restarting(TaskStatusError):
    """The server restarts; come back with the cursor."""


class SlowReader(TaskStatusError):
    """The client reads too slowly; it can come back with its cursor."""


class TooManyConnections(TaskStatusError):
    """This client has as many connections as it may have; close one first."""


class TooManyTasks(TaskStatusError):
    """This connection follows as many tasks as it may; unsubscribe from one first."""


class StoreUnavailable(TaskStatusError):
    """The status store does not answer; try again soon."""


class SettingError(TaskStatusError, ImproperlyConfigured):
    """A taskstatus setting has a wrong value."""


class Cancelled(Exception):
    """The task was asked to stop.

    Raised by ``track()`` and ``progress()`` inside the task; not a TaskStatusError, so that
    code which tolerates our errors does not swallow a request to stop.
    """

    def __init__(self, message: str = "cancelled") -> None:
        super().__init__(message)
