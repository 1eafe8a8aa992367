"""The two Django views: a snapshot in the streams' own bytes, and the request to stop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.test import AsyncClient, AsyncRequestFactory, Client
from django.urls import reverse

from taskstatus import urls, views
from taskstatus.access import make_token
from taskstatus.eventstream.views import events
from taskstatus.stores import get_store
from taskstatus.testing import TaskDriver

if TYPE_CHECKING:
    from django.http import HttpResponse
    from pytest_django.fixtures import Settings


@pytest.fixture
def task() -> TaskDriver:
    """Return a task that runs, and that user 7 owns."""
    task = TaskDriver(owner="7")
    task.pending()
    task.started()
    return task


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker listens to this process."""
    monkeypatch.setattr(current_app.control, "revoke", lambda task_id: None)


def snapshot_url(task_id: str) -> str:
    """Return where a task's snapshot is."""
    return reverse("taskstatus:snapshot", args=[task_id])


def token(task: TaskDriver, scope: str = "read") -> dict[str, str]:
    """Return a header with a token."""
    return {"authorization": f"Bearer {make_token(task.task_id, scope)}"}


async def call(
    view: Any, task_id: str, method: str = "GET", user: User | None = None, **extra: Any
) -> HttpResponse:
    """Return a view's answer to a request of this user's."""
    request = AsyncRequestFactory().generic(method, "/", **extra)
    if user is not None:
        request.user = user
    response: HttpResponse = await view(request, task_id)
    return response


def code(response: Any) -> str:
    """Return the code of a problem."""
    assert response.headers["Content-Type"] == "application/problem+json"
    return str(json.loads(response.content)["code"])


async def test_snapshot_is_the_streams_own_message(task: TaskDriver) -> None:
    """The very bytes that the store has, uncached."""
    response = await AsyncClient().get(snapshot_url(task.task_id), headers=token(task))
    reading = get_store().read(task.task_id)
    assert reading is not None
    assert response.status_code == 200
    assert response.content == reading.status.json.encode()
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"


async def test_token_may_come_in_the_url(task: TaskDriver) -> None:
    """A link can be shared."""
    url = f"{snapshot_url(task.task_id)}?token={make_token(task.task_id)}"
    assert (await AsyncClient().get(url)).status_code == 200


@pytest.mark.parametrize("task_id", ["a/b", "ünï ✓", "%2F", "../x", "a?b#c", "cancel"])
def test_any_id_has_a_snapshot(task_id: str) -> None:
    """Percent-encoded, whatever it holds."""
    task = TaskDriver(task_id)
    task.started()
    url = f"/task_status/{quote(task_id, safe='')}/"
    # Not Django's asynchronous client, which reads a path as Latin-1.
    response = Client().get(url, headers=token(task))
    assert json.loads(response.content)["task_id"] == task_id
    assert json.loads(response.content)["state"] == "STARTED"


@pytest.mark.parametrize("task_id", ["", "%0A", "%00", "x" * 256])
async def test_malformed_id_is_a_bad_request(task_id: str) -> None:
    """Never a 404 of Django's, and never a 500."""
    response = await AsyncClient().get(f"/task_status/{task_id}/")
    assert (response.status_code, code(response)) == (400, "bad_request")


async def test_stranger_is_refused_whether_or_not_the_task_exists(task: TaskDriver) -> None:
    """Nobody can find out by asking which tasks there are."""
    for task_id in (task.task_id, "unknown"):
        response = await AsyncClient().get(snapshot_url(task_id))
        assert (response.status_code, code(response)) == (403, "forbidden")


async def test_unknown_task_is_told_to_who_may_see_it() -> None:
    """A token for a task that is gone."""
    task = TaskDriver()
    response = await AsyncClient().get(snapshot_url(task.task_id), headers=token(task))
    assert (response.status_code, code(response)) == (404, "unknown_task")


async def test_task_of_the_result_backend_has_a_snapshot() -> None:
    """What Celery alone knows is shown as well."""
    task = TaskDriver()
    current_app.backend.store_result(task.task_id, 7, "SUCCESS")
    response = await AsyncClient().get(snapshot_url(task.task_id), headers=token(task))
    assert json.loads(response.content)["result"] == 7


async def test_store_that_is_away_is_a_503(task: TaskDriver, settings: Settings) -> None:
    """The client is told when to come back."""
    settings.TASKSTATUS_STORE_URL = "redis://127.0.0.1:1"
    response = await AsyncClient().get(snapshot_url(task.task_id), headers=token(task))
    assert (response.status_code, code(response)) == (503, "store_unavailable")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_snapshot_answers_get_alone(task: TaskDriver, method: str) -> None:
    """Other methods are told so, before anything else is looked at."""
    response = await call(views.snapshot, task.task_id, method)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET")


async def test_owner_sees_the_snapshot(task: TaskDriver) -> None:
    """By the session; another user does not."""
    assert (await call(views.snapshot, task.task_id, user=User(pk=7))).status_code == 200
    other = User(pk=8, is_active=False)
    assert (await call(views.snapshot, task.task_id, user=other)).status_code == 403


async def test_cancel_notes_the_wish(task: TaskDriver) -> None:
    """202 with the status of now; asking again is answered alike, and the end is a 409."""
    url = reverse("taskstatus:cancel", args=[task.task_id])
    for _ in range(2):
        response = await AsyncClient().post(url, headers=token(task, "read+cancel"))
        assert response.status_code == 202
        assert json.loads(response.content)["state"] == "STARTED"
    task.success()
    response = await AsyncClient().post(url, headers=token(task, "read+cancel"))
    assert (response.status_code, code(response)) == (409, "already_finished")


async def test_token_to_read_cancels_nothing(task: TaskDriver) -> None:
    """The wider scope is needed, and the task is not even asked."""
    response = await call(views.cancel, task.task_id, "POST", headers=token(task))
    assert (response.status_code, code(response)) == (403, "forbidden")
    task.log("still here")
    assert get_store().ask_to_stop(task.task_id) == "asked"


async def test_unknown_task_cannot_be_cancelled() -> None:
    """There is nobody to ask."""
    task = TaskDriver()
    response = await call(views.cancel, task.task_id, "POST", headers=token(task, "read+cancel"))
    assert (response.status_code, code(response)) == (404, "unknown_task")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_cancel_answers_post_alone(task: TaskDriver, method: str) -> None:
    """A link or a prefetch stops nothing."""
    response = await call(views.cancel, task.task_id, method, headers=token(task, "read+cancel"))
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


async def test_owner_needs_a_csrf_token_to_cancel(task: TaskDriver) -> None:
    """A page elsewhere, which sends the session along, stops nothing."""
    response = await call(views.cancel, task.task_id, "POST", user=User(pk=7))
    assert (response.status_code, code(response)) == (403, "forbidden")
    secret = "a" * 32
    request = AsyncRequestFactory().post("/", headers={"x-csrftoken": secret})
    request.COOKIES["csrftoken"] = secret
    request.user = User(pk=7)
    assert (await views.cancel(request, task.task_id)).status_code == 202


@pytest.mark.parametrize("view", [*(one.callback for one in urls.urlpatterns), events])
def test_views_work_in_a_project_with_atomic_requests(
    monkeypatch: pytest.MonkeyPatch, view: Any
) -> None:
    """Django refuses async views there that do not say that they need no transaction."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    assert BaseHandler().make_view_atomic(view) is view
