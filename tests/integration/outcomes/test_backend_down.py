"""A worker whose result backend is away: Celery gives up before it sends most of its signals."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.outcomes.conftest import TASKS, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.environment import Environment
    from tests.harness.worker import Worker
    from tests.integration.outcomes.stage import Stage

BEGUN = ["PENDING", "RECEIVED", "STARTED"]
#: Nothing listens there.
NOWHERE = "redis://127.0.0.1:1/0"
#: Celery's default is to try for 20 seconds.
AT_ONCE = {"retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0}}


@pytest.fixture(scope="module")
def backendless(
    start_worker: Callable[..., Worker],
    stage_of: Callable[[Worker], Stage],
    outcomes_environment: Environment,
) -> Iterator[Stage]:
    """Yield a stage whose worker has no result backend, though it is told to use one."""
    celery = outcomes_environment.celery | {
        "result_backend": NOWHERE,
        "result_backend_transport_options": AT_ONCE,
    }
    environment = dataclasses.replace(
        outcomes_environment, queue="outcomes-backendless", celery=celery
    )
    worker = start_worker(environment, name="backendless", include=[TASKS])
    yield stage_of(worker)
    log = worker.process.log
    worker.process.stop()
    assert faults(log) == []


@pytest.mark.parametrize(
    ("name", "args", "options", "states", "error"),
    [
        ("outcomes.answer", [], {}, ["FAILURE"], "Connection refused"),
        ("outcomes.answer", [], {"ignore_result": True}, ["SUCCESS"], None),
        ("outcomes.answer_tracked", [], {}, ["FAILURE"], "Connection refused"),
        ("outcomes.fail", ["row 7"], {}, ["FAILURE"], "row 7"),
        ("outcomes.count", [10, 7], {}, ["PROGRESS", "FAILURE"], "row 7"),
        ("outcomes.die", [], {}, ["FAILURE"], "signal 9"),
        ("outcomes.outlast", [], {"time_limit": 0.3}, ["FAILURE"], "TimeLimitExceeded(0.3"),
        ("outcomes.ignore", [], {}, ["IGNORED"], None),
        ("outcomes.retry", [1], {}, ["RETRY", "STARTED", "FAILURE"], "Connection refused"),
    ],
    ids=[
        "success",
        "no result",
        "track_started",
        "failure",
        "progress",
        "killed",
        "hard limit",
        "ignore",
        "retry",
    ],
)
async def test_the_end_is_told(
    backendless: Stage,
    name: str,
    args: list[Any],
    options: dict[str, Any],
    states: list[str],
    error: str | None,
) -> None:
    """A result that could not be stored is a failure, as Celery has it; other ends are told."""
    story = await backendless.tell(name, *args, **options)
    assert story.states == [*BEGUN, *states]
    assert (error or "") in (story.last["error"] or "")


async def test_a_termination_is_told(backendless: Stage) -> None:
    """A running task whose process is killed on demand is revoked."""
    async with backendless.watched("outcomes.outlast") as watch:
        await watch.seen("STARTED")
        backendless.ask("revoke", task_id=watch.task_id, terminate=True, answer="error")
        story = await watch.story()
    assert story.states == [*BEGUN, "REVOKED"]
