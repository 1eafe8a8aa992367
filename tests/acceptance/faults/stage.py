"""Two Daphnes and a worker whose store and channel layer can be harmed, and whose broker can't."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import redis

from tests.harness.enqueueing import Enqueued, enqueue
from tests.harness.environment import Environment
from tests.harness.servers import start_daphne
from tests.harness.worker import start_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.acceptance.faults.viewers import Viewer
    from tests.harness.clients import Client
    from tests.harness.mortal import Mortal
    from tests.harness.processes import Process, Processes
    from tests.harness.servers import Server

__all__ = ["RECONCILE_SECONDS", "TASKS", "Stage", "environment_on", "open_gate"]

RECONCILE_SECONDS = 1
#: What it takes to notice that the store is back: a try that times out, the wait before the next.
MARGIN_SECONDS = 3.5
TASKS = "tests.acceptance.faults.tasks"


def environment_on(
    store_url: str, broker_url: str, database: Path, *, queue: str = "faults", **celery: Any
) -> Environment:
    """Return an environment whose store and layer are on one Redis, Celery on another."""
    broker = urlsplit(broker_url)._replace(path="/1").geturl()
    backend = urlsplit(broker_url)._replace(path="/2").geturl()
    return Environment(
        layer="pubsub",
        redis_url=store_url,
        database=database,
        settings={
            "RECONCILE_SECONDS": RECONCILE_SECONDS,
            "KEEPALIVE_SECONDS": 1,
            "STALLED_AFTER_SECONDS": 6,
            "MAX_CONNECTIONS_PER_CLIENT": 10_000,
        },
        celery={"broker_url": broker, "result_backend": backend, **celery},
        queue=queue,
    )


def open_gate(broker_url: str, gate: str) -> None:
    """Let a task go on that waits, or will wait, at this gate."""
    with redis.Redis.from_url(urlsplit(broker_url)._replace(path="/1").geturl()) as client:
        client.rpush(f"gate:{gate}", "open")
        client.expire(f"gate:{gate}", 120)


class Stage:
    """What a fault is played on."""

    def __init__(
        self, mortal: Mortal, processes: Processes, *, broker_url: str, database: Path
    ) -> None:
        self.mortal = mortal
        self.broker_url = broker_url
        self.environment = environment_on(mortal.url, broker_url, database)
        self._processes = processes
        self._started: list[Process] = []
        self.servers = [self.start("fault-0"), self.start("fault-1")]
        self.worker = start_worker(processes, self.environment, name="faults", include=[TASKS])
        self._started.append(self.worker.process)

    def start(
        self, name: str, starter: Callable[..., Server] = start_daphne, **settings: Any
    ) -> Server:
        """Start a server on this stage; it ends with it."""
        environment = self.environment.with_settings(**settings)
        server = starter(self._processes, environment, name=name)
        # The channel layer logs one each time its Redis is away; ``errors()`` is stricter.
        server.process.tracebacks_expected = True
        self._started.append(server.process)
        return server

    def stop(self) -> None:
        """End what was started here, which wants to go before its Redis does."""
        for process in self._started:
            # All at once, so that their times to end don't add up.
            if process.child.returncode is None:
                os.kill(process.pid, signal.SIGTERM)
        for process in reversed(self._started):
            process.stop()

    @property
    def urls(self) -> list[str]:
        """Where the servers are."""
        return [server.url for server in self.servers]

    async def enqueue(self, task: str, *args: Any, **options: Any) -> Enqueued:
        """Send a task to the worker, by way of the first server."""
        return await enqueue(self.urls[0], task, *args, queue=self.worker.queue, **options)

    async def gated(self, *, lines: int = 10, pause: float = 0.02) -> tuple[Enqueued, str]:
        """Send a task that ends when its gate is opened; return it and the gate.

        It does nothing before begin().
        """
        gate = uuid.uuid4().hex
        return await self.enqueue("faults.gated", gate, lines, pause), gate

    async def begin(self, gate: str, crowd: Sequence[Viewer | Client], seconds: float = 30) -> None:
        """Let a gated task begin, now that its viewers are there; return when all are told."""
        await asyncio.to_thread(self.open, f"{gate}-begin")
        await asyncio.gather(*(viewer.until("PROGRESS", seconds) for viewer in crowd))

    def open(self, gate: str) -> None:
        """Open a gate."""
        open_gate(self.broker_url, gate)

    async def runtime(self, task: Enqueued, *, timeout: float = 60) -> float:  # noqa: ASYNC109
        """Return how long Celery says that a task took, once it has succeeded."""
        pattern = rf"{task.task_id}\] succeeded in ([0-9.]+)s"
        async with asyncio.timeout(timeout):
            # A log file gives no notice of what is new.
            while (found := re.search(pattern, self.worker.process.log)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return float(found[1])

    def errors(self) -> list[str]:
        """Return what the servers have logged as errors, but for the channel layer's own."""
        pattern = r"^.* (?:ERROR|CRITICAL) (?!channels_redis).*$"
        logs = [server.process.log for server in self.servers]
        return [line for log in logs for line in re.findall(pattern, log, re.MULTILINE)]

    def check_pages(self) -> None:
        """Assert that pages which have nothing to do with tasks are answered, and soon."""
        for url in self.urls:
            began = time.monotonic()
            answer = httpx.get(f"{url}/healthy/", trust_env=False, timeout=5)
            assert answer.status_code == 200
            assert time.monotonic() - began < 3

    def check(self, crowd: list[Viewer], *, lines: int, back: float) -> str:
        """Assert that all saw everything, and the end soon after the store was back.

        Return how soon, as a figure.
        """
        for viewer in crowd:
            assert viewer.states[-1] == "SUCCESS", (viewer.transport, viewer.states)
            assert viewer.ended_at is not None
            late = viewer.ended_at - back
            assert late < RECONCILE_SECONDS + MARGIN_SECONDS, (viewer.transport, late)
            viewer.check_lines(lines)
        slowest = max(viewer.ended_at or 0.0 for viewer in crowd) - back
        return f"the slowest of {len(crowd)} clients had the end after {max(slowest, 0):.2f} s"
