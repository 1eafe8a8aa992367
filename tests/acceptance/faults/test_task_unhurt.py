"""Publishing never hurts the task: with no store to tell it runs as fast as ever."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.faults.viewers import viewers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.faults.stage import Stage

STEPS = 10_000
EVERY = 200
SECONDS = 3.0
#: The most that a run may take longer, besides a twentieth of its time.
FLOOR_SECONDS = 2.0


_healthy: list[float] = []


async def healthy_seconds(stage: Stage) -> float:
    """Return how long the task takes with a store that answers; measured once."""
    if not _healthy:
        task = await stage.enqueue("faults.busy", STEPS, EVERY, SECONDS)
        _healthy.append(await stage.runtime(task))
    return _healthy[0]


@pytest.mark.parametrize("fault", ["dead", "hung", "black_holed"])
async def test_a_task_takes_no_longer_without_its_store(
    stage: Stage, fault: str, outcome: Callable[[str], None]
) -> None:
    """10,000 progress reports end in time, and after the store's return everybody has the end."""
    healthy = await healthy_seconds(stage)
    task = await stage.enqueue("faults.busy", STEPS, EVERY, SECONDS, countdown=2)
    async with viewers(stage.urls, task) as crowd:
        with getattr(stage.mortal, fault)():
            harmed = await stage.runtime(task)
            stage.check_pages()
        back = time.monotonic()
    assert harmed <= 1.05 * healthy + FLOOR_SECONDS, (healthy, harmed)
    figure = stage.check(crowd, lines=STEPS // EVERY, back=back)
    outcome(f"{harmed:.2f} s instead of {healthy:.2f} s, {figure}")
