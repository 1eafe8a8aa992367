"""Pages as strict as a site can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.template import RequestContext, Template
from django.utils import translation

if TYPE_CHECKING:
    from django.http import HttpRequest

POLICY = "default-src 'self'; frame-ancestors 'none'"
PAGE = """{% load taskstatus %}<!doctype html>
<html lang="{{ language }}" dir="{{ direction }}">
<head><meta charset="utf-8"><title>A task</title></head>
<body><main><h1>A task</h1>
{% for task_id in task_ids %}{% task_status task_id transports=transports %}{% endfor %}
</main></body></html>
"""


def page(request: HttpRequest, task_ids: str) -> HttpResponse:
    """Show tasks, named with commas between; ``?transports=`` and ``?language=`` say how."""
    language = request.GET.get("language", "en")
    with translation.override(language):
        context = {
            "task_ids": [task_id for task_id in task_ids.split(",") if task_id],
            "transports": request.GET.get("transports", ""),
            "language": language,
            "direction": "rtl" if translation.get_language_bidi() else "ltr",
        }
        html = Template(PAGE).render(RequestContext(request, context))
    return HttpResponse(html, headers={"Content-Security-Policy": POLICY})


def bare(request: HttpRequest) -> HttpResponse:
    """Show a page without a task, for scripts of a test's own."""
    return page(request, "")


def icon(request: HttpRequest) -> HttpResponse:
    """Answer without an icon, so that no browser complains."""
    return HttpResponse(status=204)
