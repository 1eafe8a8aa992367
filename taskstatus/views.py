"""The two Django views: one JSON snapshot, at once, and the request to stop (PROTOCOL §1)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.views.decorators.csrf import csrf_exempt

from taskstatus import lookup
from taskstatus.access import Action, Caller, is_allowed
from taskstatus.cancel import acancel
from taskstatus.exceptions import TaskStatusError, UnknownTask
from taskstatus.messages import parse_task_id
from taskstatus.problems import (
    BAD_REQUEST,
    FORBIDDEN,
    METHOD_NOT_ALLOWED,
    Problem,
    problem_of,
)
from taskstatus.requests import bearer_token
from taskstatus.transactions import without_transactions

__all__ = ["cancel", "snapshot"]

View = Callable[..., Coroutine[Any, Any, HttpResponse]]


def _answering(method: str, action: Action) -> Callable[[View], View]:
    """Let a view answer one method, for callers who may do the action."""

    def decorate(view: View) -> View:
        @without_transactions
        # Which method, and whether there is a token, is known only here; so is what CSRF means.
        @csrf_exempt
        @wraps(view)
        async def answer(request: HttpRequest, task_id: str) -> HttpResponse:
            if request.method != method:
                return _refusal(METHOD_NOT_ALLOWED, allow=method)
            try:
                parse_task_id(task_id)
                if not await _may(request, task_id, action):
                    return _refusal(FORBIDDEN)
                return await view(request, task_id)
            except TaskStatusError as error:
                return _refusal(problem_of(error))
            except SuspiciousOperation:
                # Too many parameters: Django itself would log a traceback for each such request.
                return _refusal(BAD_REQUEST)

        return answer

    return decorate


@_answering("GET", "read")
async def snapshot(request: HttpRequest, task_id: str) -> HttpResponse:
    """Answer with the task's current status, in the very bytes that the streams carry."""
    return _status(await _read(task_id), 200)


@_answering("POST", "cancel")
async def cancel(request: HttpRequest, task_id: str) -> HttpResponse:
    """Ask the task to stop; 202, with its status of now. The end comes through the streams.

    Asking again is answered alike. A task that has ended is a 409.
    """
    json = await _read(task_id)
    await acancel(task_id)
    return _status(json, 202)


def _status(json: str, status: int) -> HttpResponse:
    return HttpResponse(
        json.encode(),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _read(task_id: str) -> str:
    reading = await lookup.aread(task_id)
    if reading is None:
        raise UnknownTask
    return reading.status.json


async def _may(request: HttpRequest, task_id: str, action: Action) -> bool:
    token = request.GET.get("token") or bearer_token(
        {"authorization": request.headers.get("Authorization", "")}
    )
    scope: dict[str, Any] = {"client": (request.META.get("REMOTE_ADDR", ""), 0)}
    if not token:
        # A browser sends the session by itself, so a change must show that a page of ours asks.
        if action == "cancel" and not await sync_to_async(_has_csrf_token)(request):
            return False
        scope["user"] = await sync_to_async(_user)(request)
    return await is_allowed(Caller(scope, token=token), task_id, action)


def _user(request: HttpRequest) -> Any:
    from django.contrib.auth.models import AnonymousUser

    user = getattr(request, "user", None) or AnonymousUser()
    # Load it here, on Django's own thread, not later on the event loop.
    return user if user.is_authenticated else AnonymousUser()


def _has_csrf_token(request: HttpRequest) -> bool:
    check = CsrfViewMiddleware(lambda _: HttpResponse())
    check.process_request(request)
    return check.process_view(request, _unprotected, (), {}) is None


def _unprotected(request: HttpRequest) -> HttpResponse:
    """A view without csrf_exempt, for the middleware to look at."""
    return HttpResponse()


def _refusal(problem: Problem, *, allow: str = "GET") -> HttpResponse:
    headers = {name.decode().title(): value.decode() for name, value in problem.headers}
    if "Allow" in headers:
        headers["Allow"] = allow
    return HttpResponse(problem.body, status=problem.status, headers=headers)
