"""Tasks as people write them; each ends in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from celery import shared_task
from django.conf import settings

from taskstatus import log, track

if TYPE_CHECKING:
    from celery import Task

#: No task waits longer than this for a test that went away.
GATE_SECONDS = 30


@shared_task(name="tests.add")
def add(x: int, y: int) -> int:
    """Return the sum."""
    return x + y


@shared_task(name="tests.fail")
def fail(message: str) -> None:
    """Fail with a message."""
    raise ValueError(message)


@shared_task(name="tests.count")
def count(total: int) -> int:
    """Count to a number under ``track()``."""
    return sum(1 for _ in track(range(total), message="counting"))


@shared_task(name="tests.count_between_gates")
def count_between_gates(gate: str, total: int) -> int:
    """Wait, count under ``track()`` with a log line at either end, wait again, return."""
    wait_at(f"{gate}:start")
    log("counting starts")
    counted = sum(1 for _ in track(range(total), message="counting"))
    log("counting ends", level="warning")
    wait_at(f"{gate}:end")
    return counted


@shared_task(name="tests.speak")
def speak(lines: list[str]) -> int:
    """Write log lines."""
    for line in lines:
        log(line)
    return len(lines)


@shared_task(name="tests.retry", bind=True, max_retries=5)
def retry(self: Task[[int], int], times: int) -> int:
    """Fail a number of times, each time asking for another attempt at once, then succeed."""
    if self.request.retries < times:
        raise self.retry(exc=ValueError(f"attempt {self.request.retries}"), countdown=0)
    return self.request.retries


@shared_task(name="tests.wait")
def wait(gate: str) -> str:
    """Wait until a test opens the gate."""
    wait_at(gate)
    return gate


def wait_at(gate: str) -> None:
    """Block until somebody pushes to the Redis list of this name (``harness.redis.open_gate``)."""
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=GATE_SECONDS + 5) as client:
        if client.blpop([f"gate:{gate}"], timeout=GATE_SECONDS) is None:
            raise TimeoutError(f"Nobody opened the gate {gate!r}.")
