"""What Celery says of a task, by its signals and by calls of its methods, as changes."""

from taskstatus.receivers.signals import connect

__all__ = ["connect"]
