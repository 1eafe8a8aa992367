"""django-eventstream's view, for requests that it can serve."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django_eventstream import views

from taskstatus.conf import settings
from taskstatus.eventstream.names import task_id_of
from taskstatus.eventstream.relay import follow_for_proxies
from taskstatus.exceptions import StoreUnavailable
from taskstatus.problems import METHOD_NOT_ALLOWED, STORE_UNAVAILABLE, Problem

__all__ = ["events"]

_GRIP_PREFIX = "events-"


async def events(request: HttpRequest, **kwargs: Any) -> HttpResponse | StreamingHttpResponse:
    """Answer as ``django_eventstream.views.events`` does, with its adapters being ours.

    It differs where that one would fail: only GET is served, a store that does not answer is a
    503, and a request is judged by what it is itself, not by an ``es-meta`` parameter. Where a
    GRIP proxy takes the stream over, the task's messages go to it from here.
    """
    if request.method != "GET":
        return _refusal(METHOD_NOT_ALLOWED)
    query = request.GET.copy()
    query.pop("es-meta", None)
    request.GET = query  # type: ignore[assignment]
    try:
        response: HttpResponse = await sync_to_async(views.events)(request, **kwargs)
    except StoreUnavailable:
        return _refusal(STORE_UNAVAILABLE)
    _hold(request)
    return response


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
            follow_for_proxies(channel, task_id)


def _refusal(problem: Problem) -> HttpResponse:
    headers = {name.decode(): value.decode() for name, value in problem.headers}
    return HttpResponse(problem.body, status=problem.status, headers=headers)
