"""Where a request wants its channels to begin (``Last-Event-ID: <channel>:<id>,…``)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from django.http import HttpRequest
from django_eventstream.utils import make_id, parse_last_event_id

from taskstatus.eventstream.names import BEGINNING, task_id_of
from taskstatus.exceptions import BadRequest
from taskstatus.messages import parse_cursor

__all__ = ["complete_positions"]


def complete_positions(request: HttpRequest, channels: Iterable[str]) -> None:
    """Let each task that the request names no position for begin with its snapshot.

    Raises BadRequest for a position that is no number: django-eventstream would only find out in
    the middle of its response.
    """
    if request.GET.get("recover") == "true":
        _check_recovery(request)
        return
    sent = _last_event_id(request)
    if sent == "error":  # the view has an answer of its own for this
        return
    positions = _parse(sent) if sent else {}
    for channel in channels:
        if task_id_of(channel) is not None:
            positions.setdefault(channel, BEGINNING)
    if positions:
        # "No position" means "from now on" to django-eventstream, which reads this header next.
        request.META["HTTP_LAST_EVENT_ID"] = make_id(positions)


def _last_event_id(request: HttpRequest) -> str:
    """Return what django-eventstream will take: the header, else the last parameter not empty."""
    parameters = request.GET.getlist("lastEventId")
    sent = (request.META.get("HTTP_LAST_EVENT_ID"), *reversed(parameters))
    return next(filter(None, sent), "")


def _parse(last_event_id: str) -> dict[str, int]:
    try:
        parsed = parse_last_event_id(last_event_id)
    except ValueError as exc:
        raise BadRequest("Last-Event-ID takes <channel>:<id>, with commas in between.") from exc
    return {unquote(channel): parse_cursor(position) for channel, position in parsed.items()}


def _check_recovery(request: HttpRequest) -> None:
    grip = getattr(request, "grip", None)
    if grip is None:
        raise BadRequest("Only a GRIP proxy can recover.")
    for position in grip.last.values():
        parse_cursor(position)
