"""What ``track()`` costs per iteration."""

from __future__ import annotations

import io
from collections import deque

from celery import shared_task
from tqdm import tqdm

from benchmarks.measure import measure
from taskstatus import track

__all__ = ["run"]


@shared_task(name="benchmarks.track")
def run() -> dict[str, float]:
    """Return µs of CPU per iteration; to be called as a task: outside ``track()`` does nothing."""
    exhaust = deque[int](maxlen=0).extend

    def plain(times: int) -> None:
        exhaust(iter(range(times)))

    def with_tqdm(times: int) -> None:
        exhaust(tqdm(range(times), file=io.StringIO()))

    def tracked(times: int) -> None:
        exhaust(track(range(times)))

    return measure({"for": plain, "tqdm": with_tqdm, "track()": tracked}, calls=1_000_000)
