"""What taskstatus adds to a Celery task of five milliseconds, all of its state changes included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.measure import turns
from benchmarks.servers import ROOT
from config.demo.child import Child

__all__ = ["Overhead", "run"]

#: No further round begins after that.
SECONDS = 35.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """Times per task, in µs."""

    subject: str
    #: From the start of one task to the start of the next, in a worker with one process.
    wall: float
    #: CPU of the worker, main process and child.
    worker: float
    #: CPU of whoever enqueues.
    enqueueing: float


def run(redis_url: str, folder: Path, *, tasks: int, rounds: int) -> list[Overhead]:
    """Return the times without taskstatus and with it; they take turns."""
    names = {"Celery alone": "", "with taskstatus": "1"}
    environments = {name: _environment(redis_url, flag) for name, flag in names.items()}
    times: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with (
        _Worker("without", environments["Celery alone"], folder) as alone,
        _Worker("with", environments["with taskstatus"], folder) as accompanied,
    ):
        workers = dict(zip(names, (alone, accompanied), strict=True))
        for turn in turns(rounds + 1, SECONDS):
            for name, worker in workers.items():
                answer = _enqueue(tasks, worker, environments[name])
                if turn:  # the first round makes connections and loads code
                    times[name].append(answer)
    return [
        Overhead(
            subject=name,
            **{key: median(1e6 * t[key] / tasks for t in some) for key in some[0]},
        )
        for name, some in times.items()
    ]


class _Worker(Child):
    """A prefork worker with one process; the first round waits for it to be ready."""

    def __init__(self, name: str, env: Mapping[str, str], folder: Path) -> None:
        arguments = ["-A", "benchmarks.noop.celery", "worker", "--pool=prefork", "--concurrency=1"]
        options = ["--without-gossip", "--without-mingle", "--loglevel=WARNING", f"-n{name}@bench"]
        command = [sys.executable, "-m", "celery", *arguments, *options]
        super().__init__(name, command, log=folder / f"worker-{name}.log", env=env, cwd=ROOT)


def _environment(redis_url: str, flag: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "benchmarks.noop.settings",
        "REDIS_URL": redis_url,
        "NOOP_WITH": flag,
    }


def _enqueue(tasks: int, worker: Child, env: Mapping[str, str]) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.noop", str(tasks), str(worker.pid)]
    done = subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer
