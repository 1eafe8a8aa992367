"""The session that a connection's cookie names."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from django.conf import settings
from django.http import parse_cookie
from django.utils.functional import SimpleLazyObject

__all__ = ["session_of"]


def session_of(scope: dict[str, Any]) -> Any:
    """Return the session of an ASGI scope, made by SESSION_ENGINE once something is asked of it.

    Most connections bring a token, and then nothing is. Reading it is a query, and not for the
    event loop: ``channels.auth.get_user()`` sees to that.
    """
    return SimpleLazyObject(partial(_make, scope["headers"]))


def _make(headers: list[tuple[bytes, bytes]]) -> Any:
    cookies: dict[str, str] = {}
    for name, value in headers:
        if name == b"cookie":
            cookies |= parse_cookie(value.decode("latin-1"))
    store: Any = import_module(settings.SESSION_ENGINE)
    return store.SessionStore(cookies.get(settings.SESSION_COOKIE_NAME))
