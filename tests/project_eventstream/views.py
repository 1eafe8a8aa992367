"""A page as django-eventstream's documentation has it, and a view that sends an event."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from django_eventstream import send_event

__all__ = ["news", "page"]

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>A task's stream</title>
<link rel="icon" href="data:,">
<script src="/static/django_eventstream/eventsource.min.js"></script>
<script src="/static/django_eventstream/reconnecting-eventsource.js"></script>
<script>
  // What came, in order; a test reads it.
  const seen = [];
  const source = new ReconnectingEventSource(
    new URLSearchParams(location.search).get("stream"));
  for (const type of ["status", "log", "stream-open", "stream-reset", "stream-error"]) {
    source.addEventListener(type, (event) => {
      const data = event.data ? JSON.parse(event.data) : null;
      seen.push({type, data, id: event.lastEventId});
      if (data?.ready) source.close();
    });
  }
</script>
"""


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Answer a page that follows the stream that its query names."""
    return HttpResponse(PAGE)


@csrf_exempt
@require_POST
def news(request: HttpRequest) -> HttpResponse:
    """Send an event of the site's own to the streams of this process."""
    send_event("news", "message", {"text": "hello"})
    return HttpResponse(status=204)
