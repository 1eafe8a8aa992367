"""django-eventstream's view, for requests that it can serve."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import jwt
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django_eventstream import views

from taskstatus.conf import settings
from taskstatus.eventstream.channels import token_of
from taskstatus.eventstream.names import task_id_of
from taskstatus.eventstream.positions import complete_positions
from taskstatus.eventstream.relay import follow_for_proxies
from taskstatus.exceptions import TaskStatusError
from taskstatus.problems import FORBIDDEN, METHOD_NOT_ALLOWED, Problem, problem_of
from taskstatus.transactions import without_transactions

__all__ = ["events"]

_GRIP_PREFIX = "events-"
#: What a GRIP proxy is given to come back with: which user asked for which channels, signed.
_META = "es-meta"


@without_transactions
async def events(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Answer as ``django_eventstream.views.events`` does, with its adapters being ours.

    It differs where that one would fail: only GET is served, a store that does not answer is a
    503, and whatever a stranger puts into the request can't make it fail. Where a GRIP proxy takes
    the stream over, the task's messages go to it from here.
    """
    if request.method != "GET":
        return _refusal(METHOD_NOT_ALLOWED)
    try:
        _check_meta(request)
        response: HttpResponse = await sync_to_async(views.events)(request, **kwargs)
    except TaskStatusError as error:
        return _refusal(problem_of(error))
    except get_user_model().DoesNotExist:
        return _refusal(FORBIDDEN)
    _hold(request)
    return response


def _check_meta(request: HttpRequest) -> None:
    """Forget what a proxy brings back, unless it is ours and says more than the request itself.

    A token says more: it is asked again. Raises BadRequest.
    """
    if _META not in request.GET:
        return
    if not token_of(request) and _is_ours(request.GET[_META]):
        # The channel manager, which does so otherwise, is not asked for the channels then.
        complete_positions(request, [])
        return
    query = request.GET.copy()
    del query[_META]
    request.GET = query  # type: ignore[assignment]


def _is_ours(meta: str) -> bool:
    try:
        jwt.decode(meta, django_settings.SECRET_KEY.encode(), algorithms=["HS256"])
    except jwt.InvalidTokenError:
        return False
    return True


def _hold(request: HttpRequest) -> None:
    """Follow the tasks whose streams a GRIP proxy holds from now on."""
    grip = getattr(request, "grip", None)
    if grip is None or grip.instruct is None or not grip.instruct.hold:
        return
    # What is lost on the way to the proxy, it finds when it asks again after this time of silence.
    grip.instruct.next_link_timeout = max(1, round(settings.RECONCILE_SECONDS))
    for held in grip.instruct.channels:
        channel = unquote(held.name.removeprefix(_GRIP_PREFIX))
        task_id = task_id_of(channel)
        if held.name.startswith(_GRIP_PREFIX) and task_id is not None:
            follow_for_proxies(channel, task_id, after=int(held.prev_id))


def _refusal(problem: Problem) -> HttpResponse:
    headers = {name.decode(): value.decode() for name, value in problem.headers}
    return HttpResponse(problem.body, status=problem.status, headers=headers)
