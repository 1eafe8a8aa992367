"""The status of a task as a page for browsers without script; it refreshes itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language, get_language_bidi

from taskstatus.texts import state_text
from taskstatus.transactions import without_transactions
from taskstatus.views import snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["page"]

REFRESH_SECONDS = 5


@without_transactions
async def page(request: HttpRequest, task_id: str) -> HttpResponse:
    """Show the snapshot to who may read it; what the snapshot view refuses is refused here.

    Until the task has ended the page loads itself again every few seconds, unless it was asked for
    with ``refresh=0``.
    """
    answer = await snapshot(request, task_id)
    if answer.status_code == 405:
        return answer
    content = json.loads(answer.content)
    context = _known(request, content) if answer.status_code == 200 else {"problem": content}
    language = get_language() or "en"
    context |= {"language": language, "direction": "rtl" if get_language_bidi() else "ltr"}
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
    if "Retry-After" in answer.headers:
        headers["Retry-After"] = answer.headers["Retry-After"]
    # Not with the request: the project's context processors may want a database.
    body = render_to_string("taskstatus/page.html", context)
    return HttpResponse(body, status=answer.status_code, headers=headers)


def _known(request: HttpRequest, status: Mapping[str, Any]) -> dict[str, Any]:
    stays = status["ready"] or request.GET.get("refresh") == "0"
    query = request.GET.copy()
    query["refresh"] = "0"
    return {
        "status": status,
        "state": state_text(status["state"]),
        "refresh": 0 if stays else REFRESH_SECONDS,
        "stay": f"?{query.urlencode()}",
    }
