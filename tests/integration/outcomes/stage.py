"""A worker that takes a task when the test says so, and what else a test asks of it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from celery import Celery

from taskstatus.access import make_token
from tests.harness.enqueueing import enqueue
from tests.integration.outcomes.watch import Watch

if TYPE_CHECKING:
    from tests.harness.servers import Server
    from tests.harness.worker import Worker
    from tests.integration.outcomes.story import Story

__all__ = ["Stage"]

REPLY_SECONDS = 5
ATTEMPTS = 4


class Stage:
    """A server, a worker, and Celery's remote control.

    A task lies in a queue that nobody takes from until all who watch it are there.
    """

    def __init__(self, server: Server, worker: Worker, *, broker_url: str) -> None:
        self.server = server
        self.worker = worker
        self._celery = Celery("control", broker=broker_url, set_as_current=False)

    async def tell(self, name: str, *args: Any, **options: Any) -> Story:
        """Run a task from its queue to its end; the options are those of ``send_task``."""
        async with self.watched(name, *args, **options) as watch:
            return await watch.story()

    @asynccontextmanager
    async def watched(
        self, name: str, *args: Any, held: bool = False, **options: Any
    ) -> AsyncIterator[Watch]:
        """Enqueue a task, watch it, and let the worker have it, unless it is to be held."""
        queue = self.new_queue()
        task = await enqueue(self.server.url, name, *args, queue=queue, **options)
        async with self.watching(task.task_id, queue=None if held else queue) as watch:
            watch.queue = queue
            yield watch
        if held:
            self.close_queue(queue)

    @asynccontextmanager
    async def watching(self, task_id: str, *, queue: str | None) -> AsyncIterator[Watch]:
        """Watch a task that lies in a queue, and open that once all are there."""
        async with self.latecomer(task_id) as watch:
            await watch.seen("PENDING")
            if queue is not None:
                self.open_queue(queue)
            try:
                yield watch
            finally:
                if queue is not None:
                    self.close_queue(queue)

    def latecomer(self, task_id: str) -> Watch:
        """Return what watches a task that may be in any state."""
        return Watch(self.server.url, task_id, token=make_token(task_id))

    @staticmethod
    def new_queue() -> str:
        """Return the name of a queue that nobody takes from."""
        return f"held-{uuid.uuid4().hex[:12]}"

    def open_queue(self, queue: str) -> None:
        """Let the worker take from a queue from now on."""
        self.ask("add_consumer", queue=queue)

    def close_queue(self, queue: str) -> None:
        """Let the worker take from a queue no longer."""
        self.ask("cancel_consumer", queue=queue)

    def revoke(self, task_id: str, *, terminate: bool = False) -> None:
        """Revoke a task, as ``app.control.revoke`` does."""
        self.ask("revoke", task_id=task_id, terminate=terminate, signal="SIGTERM")

    def ask(self, command: str, *, answer: str = "ok", **arguments: Any) -> None:
        """Have the worker execute a command; it has, with this answer, when this returns.

        On Redis the remote control is pub/sub, which may lose a command or its reply. All of those
        that are used here may be executed twice.
        """
        replies: list[Any] | None = None
        for _ in range(ATTEMPTS):
            replies = self._celery.control.broadcast(
                command,
                arguments=arguments,
                destination=[self.worker.hostname],
                reply=True,
                timeout=REPLY_SECONDS,
            )
            if replies:
                break
        answers: list[Mapping[str, Any]] = [
            told for reply in replies or [] for told in reply.values()
        ]
        assert len(answers) == 1, f"{command}: {replies}"
        assert answer in answers[0], f"{command}: {replies}"

    def close(self) -> None:
        """Close the connections to the broker."""
        self._celery.close()
