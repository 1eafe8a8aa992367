"""A real Celery worker of the test project."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.harness.environment import Environment
    from tests.harness.processes import Process, Processes

__all__ = ["Worker", "start_worker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker that is ready for tasks."""

    process: Process
    #: Where it takes its tasks from; enqueue with ``{"queue": worker.queue}``.
    queue: str
    hostname: str

    def kill_children(self) -> None:
        """Kill the processes in which its tasks run."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True
        )
        for pid in found.stdout.split():
            os.kill(int(pid), signal.SIGKILL)


def start_worker(
    processes: Processes,
    environment: Environment,
    *,
    name: str = "worker",
    pool: str = "prefork",
    concurrency: int = 2,
    include: Sequence[str] = (),
    arguments: Sequence[str] = (),
) -> Worker:
    """Start a worker on the environment's queue and return once it is ready.

    ``include`` names modules with tasks of a test's own. Its log may hold tracebacks, because
    Celery logs one for each task that fails.
    """
    modules = [f"--include={module}" for module in include]
    hostname = f"{name}-{environment.queue}@tests"
    process = processes.start(
        f"{name}-{pool}",
        [
            *("-m", "celery", "-A", "tests.project.celery", "worker", "--loglevel=INFO"),
            *(f"--pool={pool}", f"--concurrency={concurrency}", f"--hostname={hostname}"),
            *(f"--queues={environment.queue}", "--without-gossip", "--without-mingle"),
            *modules,
            *arguments,
        ],
        env=environment.variables(),
        tracebacks_expected=True,
    )
    process.wait_for_log(rf"{hostname} ready")
    return Worker(process=process, queue=environment.queue, hostname=hostname)
