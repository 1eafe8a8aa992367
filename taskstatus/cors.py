"""Reading streams from other origins: off, but for those that the settings name.

The Fetch standard's CORS protocol (https://fetch.spec.whatwg.org/#http-cors-protocol). Cookies are
never allowed across origins: a page elsewhere shows a token.
"""

from __future__ import annotations

from typing import Any

from taskstatus.conf import settings

__all__ = ["cors_headers", "is_preflight", "preflight_headers"]

Headers = list[tuple[bytes, bytes]]

_VARY = (b"vary", b"Origin")


def _header(scope: dict[str, Any], name: bytes) -> bytes | None:
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return values[0] if len(values) == 1 else None


def _origin(scope: dict[str, Any]) -> bytes | None:
    """Return the request's origin if it is one of those allowed."""
    origin: bytes | None = _header(scope, b"origin")
    if origin is None or origin.decode("latin-1") not in settings.ALLOWED_ORIGINS:
        return None
    return origin


def cors_headers(scope: dict[str, Any]) -> Headers:
    """Return what to add to a response so that an allowed origin may read it."""
    if not settings.ALLOWED_ORIGINS:
        return []
    origin = _origin(scope)
    return [_VARY] if origin is None else [_VARY, (b"access-control-allow-origin", origin)]


def is_preflight(scope: dict[str, Any]) -> bool:
    """Return whether an allowed origin asks what it may send."""
    return (
        scope["method"] == "OPTIONS"
        and _header(scope, b"access-control-request-method") is not None
        and _origin(scope) is not None
    )


def preflight_headers() -> Headers:
    """Return the answer to that, beside cors_headers()."""
    return [
        (b"access-control-allow-methods", b"GET"),
        (b"access-control-allow-headers", b"authorization, cache-control, last-event-id"),
        (b"access-control-max-age", b"600"),
        (b"cache-control", b"no-store"),
    ]
