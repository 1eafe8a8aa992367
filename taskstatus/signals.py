"""``task_status_changed``: for listeners of the project's own, on the server's side::

    from django.dispatch import receiver
    from taskstatus.signals import task_status_changed

    @receiver(task_status_changed)
    def tell_the_owner(sender, status, **kwargs):
        if status.state == "FAILURE":
            ...

``status`` is the TaskStatus that has just been stored, ``sender`` is TaskStatus. It is sent by the
process that records the change, once it is recorded and the task's followers have been told: by
whoever enqueues (PENDING), by a worker's main process (RECEIVED, REVOKED, a lost child), by the
process that runs the body (the rest), by a server (stalled). Changes that the store would not take
at first are told once it does, by the thread that sends them. Progress is told as it is published,
which is throttled; log lines are not told.

Receivers run where the task runs, and in its time: keep them short. What one raises is logged by
Django and does not reach the task, except Celery's soft time limit, which is the task's own.
"""

from __future__ import annotations

from billiard.exceptions import SoftTimeLimitExceeded
from django.dispatch import Signal

from taskstatus.messages import Message
from taskstatus.status import TaskStatus

__all__ = ["announce", "has_listeners", "task_status_changed"]

task_status_changed = Signal()


def has_listeners() -> bool:
    """Return whether anybody in this process listens."""
    return bool(task_status_changed.receivers)


def announce(message: Message) -> None:
    """Tell the listeners of a status that has been stored; without any it costs next to nothing.

    Raises nothing but SoftTimeLimitExceeded.
    """
    if message.kind != "status" or not has_listeners():
        return
    status = TaskStatus.from_json(message.json)
    for _, answer in task_status_changed.send_robust(sender=TaskStatus, status=status):
        if isinstance(answer, SoftTimeLimitExceeded):
            raise answer
