"""``python -m benchmarks.noop TASKS WORKER``: enqueue tasks for a worker, print what they cost.

WORKER is the id of the worker's session. Prints one JSON object: seconds of wall and CPU time.
"""

from __future__ import annotations

import json
import sys
import time
import uuid

import django
import redis

from benchmarks.cost import cpu_seconds
from benchmarks.noop.celery import GATE_SECONDS, app


def main(tasks: int, worker: int) -> None:
    """Fill the queue behind a gate, open it, wait for the last task."""
    django.setup()
    from django.conf import settings

    key = f"noop:{uuid.uuid4().hex}"
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=None)
    app.send_task("noop.first", [key])
    began = time.process_time()
    for _ in range(tasks):
        app.send_task("noop.sleep")
    enqueueing = time.process_time() - began
    app.send_task("noop.last", [key])
    before = cpu_seconds(worker)
    client.rpush(f"{key}:gate", 1)
    begin, end = (
        int(client.blpop([f"{key}:times"], timeout=GATE_SECONDS)[1])  # type: ignore[index]
        for _ in range(2)
    )
    spent = cpu_seconds(worker) - before
    print(json.dumps({"wall": (end - begin) / 1e9, "worker": spent, "enqueueing": enqueueing}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
