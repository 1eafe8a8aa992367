"""Tasks that a fault happens to."""

from __future__ import annotations

import os
import signal
import time

import redis
from celery import shared_task
from django.conf import settings

from taskstatus import log, progress

#: No task waits longer than this for a test that went away.
GATE_SECONDS = 120


def pass_gate(gate: str) -> None:
    """Wait at a gate that is kept in the broker, which the faults leave alone."""
    with redis.Redis.from_url(
        settings.CELERY_BROKER_URL, socket_timeout=GATE_SECONDS + 30
    ) as client:
        if client.blpop([f"gate:{gate}"], timeout=GATE_SECONDS) is None:
            raise TimeoutError(f"Nobody opened the gate {gate!r}.")


@shared_task(name="faults.busy")
def busy(steps: int, every: int, seconds: float) -> int:
    """Report progress at every step and write a line now and then; work for some seconds."""
    for step in range(steps):
        progress(step + 1, steps)
        if step % every == 0:
            log(f"line {step // every}")
        if step % 10 == 0:
            time.sleep(10 * seconds / steps)
    return steps


@shared_task(name="faults.gated")
def gated(gate: str, lines: int, pause: float) -> str:
    """Wait to begin, write lines with pauses in between, wait at a gate, write one more."""
    pass_gate(f"{gate}-begin")
    for number in range(lines):
        log(f"line {number}")
        progress(number + 1, lines + 1)
        time.sleep(pause)
    pass_gate(gate)
    log(f"line {lines}")
    return gate


@shared_task(name="faults.patient", acks_late=True, reject_on_worker_lost=False)
def patient(gate: str) -> str:
    """Wait at a gate; whoever loses its worker is delivered again."""
    pass_gate(gate)
    return gate


@shared_task(name="faults.stubborn", acks_late=True, reject_on_worker_lost=True)
def stubborn(gate: str) -> str:
    """Get half-way, wait at a gate; whoever loses the process is delivered again, and at once."""
    progress(1, 2)
    pass_gate(gate)
    progress(2, 2)
    return gate


@shared_task(name="faults.die")
def die() -> None:
    """Kill the process that runs the body, at once."""
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(name="faults.flood")
def flood(gate: str, lines: int, size: int, pause: float) -> int:
    """Write long lines, many of them."""
    pass_gate(gate)
    for number in range(lines):
        log(f"line {number} {'x' * size}")
        time.sleep(pause)
    return lines
