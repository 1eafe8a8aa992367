"""One JSON snapshot, at once (PROTOCOL §1)."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from taskstatus import results
from taskstatus.access import Caller, is_allowed
from taskstatus.exceptions import TaskStatusError, UnknownTask
from taskstatus.messages import parse_task_id
from taskstatus.problems import FORBIDDEN, METHOD_NOT_ALLOWED, Problem, problem_of
from taskstatus.requests import bearer_token
from taskstatus.stores import get_store

__all__ = ["snapshot"]


@csrf_exempt  # it changes nothing, and another method is to be told 405
async def snapshot(request: HttpRequest, task_id: str) -> HttpResponse:
    """Answer with the task's current status, in the very bytes that the streams carry."""
    if request.method != "GET":
        return _refusal(METHOD_NOT_ALLOWED)
    try:
        parse_task_id(task_id)
        caller = await _caller(request)
        if not await is_allowed(caller, task_id):
            return _refusal(FORBIDDEN)
        json = await _read(task_id)
    except TaskStatusError as error:
        return _refusal(problem_of(error))
    return HttpResponse(
        json.encode(), content_type="application/json", headers={"Cache-Control": "no-store"}
    )


async def _read(task_id: str) -> str:
    store = get_store()
    reading = await store.aread(task_id)
    if reading is None and await results.arestore(task_id):
        reading = await store.aread(task_id)
    if reading is None:
        raise UnknownTask
    return reading.status.json


async def _caller(request: HttpRequest) -> Caller:
    token = request.GET.get("token") or bearer_token(
        {"authorization": request.headers.get("Authorization", "")}
    )
    scope: dict[str, Any] = {}
    if not token:
        scope["user"] = await sync_to_async(_user)(request)
    return Caller(scope, token=token)


def _user(request: HttpRequest) -> Any:
    from django.contrib.auth.models import AnonymousUser

    user = getattr(request, "user", None) or AnonymousUser()
    # Load it here, on Django's own thread, not later on the event loop.
    return user if user.is_authenticated else AnonymousUser()


def _refusal(problem: Problem) -> HttpResponse:
    headers = {name.decode().title(): value.decode() for name, value in problem.headers}
    return HttpResponse(problem.body, status=problem.status, headers=headers)
