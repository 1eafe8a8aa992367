"""What ``track()`` costs per iteration."""

from __future__ import annotations

import io
from collections import deque

from celery import shared_task
from tqdm import tqdm

from benchmarks.measure import measure, table
from taskstatus import track

__all__ = ["run"]


@shared_task(name="benchmarks.track")
def run() -> str:
    """Return the report; called as a task, since ``track()`` does nothing outside one."""
    exhaust = deque[int](maxlen=0).extend

    def plain(times: int) -> None:
        exhaust(iter(range(times)))

    def with_tqdm(times: int) -> None:
        exhaust(tqdm(range(times), file=io.StringIO()))

    def tracked(times: int) -> None:
        exhaust(track(range(times)))

    results = measure({"for": plain, "tqdm": with_tqdm, "track()": tracked}, calls=1_000_000)
    return table("One iteration of a loop", results, base="tqdm")
