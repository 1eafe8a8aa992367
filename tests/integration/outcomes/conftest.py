"""One worker for all tests of this folder, told to say which logger speaks."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.integration.outcomes.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.environment import Environment, Layer
    from tests.harness.servers import Server
    from tests.harness.worker import Worker

#: What the workers include, in one word: of several options Celery hears the last one alone.
TASKS = ",".join(
    f"tests.integration.outcomes.{module}"
    for module in ("tasks", "retrying_tasks", "interrupted_tasks")
)
#: As in tests.settings.
BROKER_DATABASE = 1
LINE = "%(levelname)s %(name)s %(processName)s %(message)s"
#: Nothing that we do may fail, whatever the task does; Celery logs what a receiver raises.
FAULT = re.compile(r"(?:WARNING|ERROR|CRITICAL) taskstatus\b.*|.*Signal handler .* raised.*")


@pytest.fixture(scope="package")
def outcomes_environment(environment_of: Callable[[Layer], Environment]) -> Environment:
    """Return the environment of the workers: quick to notice, and with a queue of their own."""
    celery: dict[str, Any] = {
        "broker_transport_options": {"polling_interval": 0.1},
        "worker_lost_wait": 0.1,
        "worker_log_format": LINE,
        "worker_task_log_format": LINE,
    }
    return dataclasses.replace(environment_of("pubsub"), queue="outcomes", celery=celery)


@pytest.fixture(scope="package")
def outcomes_worker(
    start_worker: Callable[..., Worker], outcomes_environment: Environment
) -> Worker:
    """Return a prefork worker with the tasks of these tests."""
    return start_worker(outcomes_environment, name="outcomes", include=[TASKS])


@pytest.fixture(scope="package")
def stage_of(server: Server, redis_url: str) -> Iterator[Callable[[Worker], Stage]]:
    """Yield what makes a stage of a worker."""
    stages: list[Stage] = []
    broker_url = urlsplit(redis_url)._replace(path=f"/{BROKER_DATABASE}").geturl()

    def stage(worker: Worker) -> Stage:
        stages.append(Stage(server, worker, broker_url=broker_url))
        return stages[-1]

    yield stage
    for one in stages:
        one.close()


@pytest.fixture(scope="package")
def shared_stage(stage_of: Callable[[Worker], Stage], outcomes_worker: Worker) -> Stage:
    """Return the stage of the worker that most tests share."""
    return stage_of(outcomes_worker)


@pytest.fixture
def stage(shared_stage: Stage) -> Iterator[Stage]:
    """Yield the stage; what the worker logs meanwhile holds no fault of ours."""
    before = len(shared_stage.worker.process.log)
    yield shared_stage
    assert faults(shared_stage.worker.process.log[before:]) == []


def faults(log: str) -> list[str]:
    """Return the lines of a worker's log in which we complain, or Celery does about us."""
    return FAULT.findall(log)
