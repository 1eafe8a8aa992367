"""Tasks that run in the process that calls them (``task_always_eager``), on either store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import RequestFactory

from taskstatus import get_status
from taskstatus.owner import OwnerMiddleware
from taskstatus.stores import get_store
from tests.integration.outcomes import retrying_tasks, tasks
from tests.project.celery import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    import celery
    from pytest_django import Settings


@pytest.fixture(autouse=True, params=["memory", "redis"])
def store(request: pytest.FixtureRequest, settings: Settings) -> None:
    """Use each store in turn."""
    is_redis = request.param == "redis"
    settings.TASKSTATUS_STORE_URL = (
        request.getfixturevalue("redis_url") if is_redis else "memory://"
    )


@pytest.fixture(autouse=True)
def eager() -> Iterator[None]:
    """Have Celery run tasks where they are called."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False
    app.conf.task_eager_propagates = False


def states(task_id: str) -> list[str]:
    """Return the states of a task in order, each run of the same state told once."""
    reading = get_store().read(task_id, after=0)
    assert reading is not None
    told = [message.state for message in reading.messages if message.kind == "status"]
    return [state for index, state in enumerate(told) if told[index - 1 : index] != [state]]


@pytest.mark.parametrize(
    ("task", "args", "told"),
    [
        (tasks.answer, [], ["STARTED", "SUCCESS"]),
        (tasks.fail, ["no"], ["STARTED", "FAILURE"]),
        (tasks.count, [10], ["STARTED", "PROGRESS", "SUCCESS"]),
        (tasks.count, [10, 7], ["STARTED", "PROGRESS", "FAILURE"]),
        (retrying_tasks.retry, [1], ["STARTED", "RETRY", "STARTED", "SUCCESS"]),
        (retrying_tasks.retry_caught, [], ["STARTED", "RETRY", "STARTED", "SUCCESS"]),
        (retrying_tasks.retry_by_itself, [], ["STARTED", "RETRY", "STARTED", "SUCCESS"]),
        (retrying_tasks.retry, [3], [*["STARTED", "RETRY"] * 2, "STARTED", "FAILURE"]),
        (tasks.replace, ["a task"], ["STARTED", "PENDING", "STARTED", "SUCCESS"]),
        (tasks.ignore, [], ["STARTED", "IGNORED"]),
        (tasks.reject, [False], ["STARTED", "REJECTED"]),
        (tasks.reject_once, [], ["STARTED", "REJECTED"]),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_states_are_told_in_order(
    task: celery.Task[Any, Any], args: list[Any], told: list[str]
) -> None:
    """There is neither queue nor worker, so a task begins with STARTED."""
    kwargs = {"translate": True} if task is retrying_tasks.retry_caught else {}
    assert states(task.apply_async(tuple(args), kwargs).id) == told


def test_the_outcome_is_told() -> None:
    """Result and error, retries and times are as with a worker."""
    status = get_status(tasks.answer.delay({"rows": 3}).id)
    assert status is not None
    assert (status.state, status.result, status.name) == ("SUCCESS", {"rows": 3}, "outcomes.answer")
    assert status.created_at is not None
    assert status.created_at == status.started_at
    status = get_status(retrying_tasks.retry.delay(3).id)
    assert status is not None
    assert (status.error, status.error_type, status.retries) == ("attempt 2", "ValueError", 2)


def test_the_reason_of_a_retry_is_told() -> None:
    """RETRY says why, and which attempt is due."""
    reading = get_store().read(retrying_tasks.retry.delay(1).id, after=0)
    assert reading is not None
    (message,) = [message for message in reading.messages if message.state == "RETRY"]
    assert '"error":"attempt 0","error_type":"ValueError","retries":1' in message.json


def test_an_exception_that_goes_through_to_the_caller_is_told() -> None:
    """With task_eager_propagates Celery itself tells nobody."""
    app.conf.task_eager_propagates = True
    with pytest.raises(tasks.AwkwardError):
        tasks.fail_awkwardly.apply_async(task_id=(task_id := f"eager-{id(object())}"))
    status = get_status(task_id)
    assert status is not None
    assert (status.state, status.error_type) == ("FAILURE", "AwkwardError")


def test_the_tasks_of_a_chain_are_told() -> None:
    """Each runs when the one before it has ended."""
    result: Any = chain(tasks.answer.si(1), tasks.answer.si(2)).apply_async()
    assert result.parent is not None
    assert states(result.id) == states(result.parent.id) == ["STARTED", "SUCCESS"]


def test_the_user_of_the_request_owns_the_task(rf: RequestFactory) -> None:
    """A view that runs a task where it is called gives it to its user."""
    request = rf.get("/")
    request.user = User(pk=42)
    response = OwnerMiddleware(lambda request: HttpResponse(tasks.answer.delay().id))(request)
    assert isinstance(response, HttpResponse)
    reading = get_store().read(response.content.decode())
    assert reading is not None
    assert reading.owner == "42"
