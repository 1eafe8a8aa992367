"""Which pages may open a WebSocket (RFC 6455 §10.2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import ParseResult, urlparse

from channels.security.websocket import OriginValidator
from django.conf import settings as django_settings

from taskstatus.conf import settings

__all__ = ["is_of_our_pages"]


def is_of_our_pages(scope: dict[str, Any]) -> bool:
    """Return whether a WebSocket is opened by a page of our own hosts or of ALLOWED_ORIGINS, or by
    a client that is no page.

    A browser always names the origin of a page that opens one; who names none is not a browser,
    and cannot be made to act for somebody else's session.
    """
    for name, value in scope["headers"]:
        if name == b"origin":
            try:
                return is_allowed(urlparse(value.decode("latin-1")))
            except ValueError:  # an address or a port that is none
                return False
    return True


def is_allowed(origin: ParseResult) -> bool:
    """Return whether pages of this origin may open a WebSocket. Raises ValueError."""
    hosts = list(django_settings.ALLOWED_HOSTS)
    if django_settings.DEBUG and not hosts:
        hosts = ["localhost", "127.0.0.1", "[::1]"]
    return bool(OriginValidator(None, [*hosts, *settings.ALLOWED_ORIGINS]).validate_origin(origin))
