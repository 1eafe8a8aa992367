"""``{% load taskstatus %}{% task_status task_id %}``: a task's live status in a page."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import NoReverseMatch, get_script_prefix, reverse

from taskstatus.access import make_token
from taskstatus.conf import Settings, settings
from taskstatus.texts import translated_texts

__all__ = ["task_status"]

register = template.Library()


@register.inclusion_tag("taskstatus/task_status.html", takes_context=True)
def task_status(
    context: template.Context,
    task_id: object,
    *,
    label: str = "",
    transports: str = "",
    max_age: float | None = None,
) -> dict[str, Any]:
    """Render ``<task-status>`` with a fresh token for reading, its script, and a plain link.

    Whoever gets the page may read the task for ``max_age`` seconds (None: TOKEN_MAX_AGE_SECONDS),
    so show it to nobody else. ``task_id`` may also be an AsyncResult. ``transports`` is a choice of
    ``ws sse poll`` in the order of preference.
    """
    name = str(task_id)
    token = make_token(name, max_age=max_age)
    texts = translated_texts()
    prefix = get_script_prefix()
    keepalive = settings.KEEPALIVE_SECONDS
    return {
        "task_id": name,
        "token": token,
        "label": label,
        "transports": transports,
        "texts": json.dumps(texts, ensure_ascii=False) if texts else "",
        "url": "" if prefix == "/" else prefix,
        "keepalive": "" if keepalive == Settings.KEEPALIVE_SECONDS else keepalive,
        "page": _page(name, token),
        "nonce": context.get("csp_nonce", ""),
    }


def _page(task_id: str, token: str) -> str:
    """Return the URL of the page without script, "" where the project has left it out."""
    try:
        return f"{reverse('taskstatus:page', args=[task_id])}?{urlencode({'token': token})}"
    except NoReverseMatch:
        return ""
