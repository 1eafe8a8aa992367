"""One task for each way to end. Their names begin with ``outcomes.``."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from typing import Any

from celery import chain, group, shared_task
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded

from taskstatus import progress, track
from taskstatus.publisher import flush
from tests.integration.outcomes.bound import FOREVER, Bound


class AwkwardError(Exception):
    """An exception that can't be pickled back, as many with a constructor of their own can't."""

    def __init__(self, row: int, column: str) -> None:
        super().__init__(f"row {row}, column {column}")


@shared_task(name="outcomes.answer")
def answer(value: Any = 42) -> Any:
    """Return a value."""
    return value


@shared_task(name="outcomes.answer_tracked", track_started=True)
def answer_tracked() -> int:
    """Return a value; Celery is to store that it has begun."""
    return 42


@shared_task(name="outcomes.answer_at")
def answer_at() -> datetime:
    """Return what Celery's serialiser can write, and JSON can't."""
    return datetime(2026, 1, 1, tzinfo=UTC)


@shared_task(name="outcomes.answer_oddly")
def answer_oddly() -> object:
    """Return what no serialiser can write."""
    return object()


@shared_task(name="outcomes.fail")
def fail(message: str) -> None:
    """Fail."""
    raise ValueError(message)


@shared_task(name="outcomes.fail_awkwardly")
def fail_awkwardly() -> None:
    """Fail with an exception that Celery can't hand on as it is."""
    raise AwkwardError(7, "date")


@shared_task(name="outcomes.replace", bind=True)
def replace(self: Bound, by: str) -> Any:
    """Hand the task over."""
    last = answer.si("by another")
    replacements: dict[str, Any] = {
        "a task": last,
        "a chain": chain(answer.si("first"), last),
        "a group": group(answer.si("one"), answer.si("two")),
        "a failing task": fail.si("by another"),
    }
    return self.replace(replacements[by])


@shared_task(name="outcomes.ignore")
def ignore() -> None:
    """End without an outcome."""
    raise Ignore


@shared_task(name="outcomes.declare", bind=True)
def declare(self: Bound, state: str, meta: Any, then: str) -> str:
    """Set a state by hand, then end in one way or another."""
    self.update_state(state=state, meta=meta)
    if then == "ignore":
        raise Ignore
    if then == "raise":
        raise ValueError("raised")
    return "returned"


@shared_task(name="outcomes.reject")
def reject(requeue: bool) -> None:
    """Refuse a message that was acknowledged before."""
    raise Reject("no", requeue=requeue)


@shared_task(name="outcomes.reject_once", bind=True, acks_late=True)
def reject_once(self: Bound) -> str:
    """Refuse the message at first, and have it delivered again."""
    if is_first_delivery(self):
        raise Reject("later", requeue=True)
    return "done"


@shared_task(name="outcomes.outlast")
def outlast(seconds: float = FOREVER) -> None:
    """Take longer than allowed."""
    time.sleep(seconds)


@shared_task(name="outcomes.clean_up", soft_time_limit=1)
def clean_up() -> str:
    """Take longer than is allowed, and notice."""
    try:
        time.sleep(FOREVER)
    except SoftTimeLimitExceeded:
        return "cleaned up"
    return "never told"


@shared_task(name="outcomes.die")
def die() -> None:
    """Kill the process that runs the body, as a kernel short of memory does."""
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(name="outcomes.die_once", bind=True, acks_late=True, reject_on_worker_lost=True)
def die_once(self: Bound) -> str:
    """Kill the process at the first delivery, once its progress is told."""
    progress(1, 2)
    if is_first_delivery(self):
        # To a store that seems slow it is told by a thread, which dies as well.
        assert flush()
        die()
    return "done"


@shared_task(name="outcomes.leave")
def leave() -> None:
    """Exit the process."""
    sys.exit(3)


@shared_task(name="outcomes.report", bind=True)
def report(self: Bound, updates: list[tuple[str, Any]]) -> str:
    """Update the state, each time in another way."""
    for state, meta in updates:
        self.update_state(state=state, meta=meta)
    return "done"


@shared_task(name="outcomes.report_elsewhere", bind=True)
def report_elsewhere(self: Bound) -> str:
    """Update the state by another task's method, as helpers do that know an id alone."""
    answer.update_state(task_id=self.request.id, state="PROGRESS", meta={"current": 1, "total": 4})
    return "done"


@shared_task(name="outcomes.count")
def count(total: int, fail_at: int | None = None) -> int:
    """Count under ``track()``, perhaps not to the end."""
    for number in track(range(total), message="counting"):
        if number == fail_at:
            raise ValueError(f"row {number}")
    return total


def is_first_delivery(task: Bound) -> bool:
    """Return whether the broker delivers the message for the first time."""
    return not (task.request.delivery_info or {}).get("redelivered")
