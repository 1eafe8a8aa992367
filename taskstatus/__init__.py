"""Live status of Celery tasks over WebSocket, Server-Sent Events and long-poll."""

from taskstatus.exceptions import Cancelled
from taskstatus.lookup import aget_status, get_status
from taskstatus.progress import log, progress, track
from taskstatus.status import TaskStatus

__all__ = ["Cancelled", "TaskStatus", "aget_status", "get_status", "log", "progress", "track"]
__version__ = "0.1.0"
