"""Every pool tells the same: here those besides prefork."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from tests.integration.outcomes.conftest import TASKS, faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment
    from tests.harness.worker import Worker
    from tests.integration.outcomes.stage import Stage

BEGUN = ["PENDING", "RECEIVED", "STARTED"]


@pytest.mark.traps  # async_to_sync() makes a thread and a connection per call
@pytest.mark.parametrize("pool", ["threads", "solo", "gevent"])
async def test_a_pool_tells_progress_success_retry_and_failure(
    pool: str,
    start_worker: Callable[..., Worker],
    stage_of: Callable[[Worker], Stage],
    outcomes_environment: Environment,
) -> None:
    """Where main process and pool are one, nothing is told twice, nor left out."""
    environment = dataclasses.replace(outcomes_environment, queue=f"outcomes-{pool}")
    worker = start_worker(environment, name=pool, pool=pool, include=[TASKS])
    stage = stage_of(worker)
    try:
        counted = await stage.tell("outcomes.count", 1_000)
        retried = await stage.tell("outcomes.retry", 1)
        failed = await stage.tell("outcomes.count", 1_000, 777)
        rejected = await stage.tell("outcomes.reject", kwargs={"requeue": False})
    finally:
        worker.process.stop()
    assert counted.states == [*BEGUN, "PROGRESS", "SUCCESS"]
    assert counted.only("PROGRESS")["progress"]["current"] == 1_000
    assert retried.states == [*BEGUN, "RETRY", "STARTED", "SUCCESS"]
    assert failed.states == [*BEGUN, "PROGRESS", "FAILURE"]
    assert failed.only("PROGRESS")["progress"]["current"] == 777
    assert rejected.states == [*BEGUN, "REJECTED"]
    assert faults(worker.process.log) == []
