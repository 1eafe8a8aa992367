"""The session that a connection's cookie names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.http import parse_cookie
from django.utils.functional import LazyObject, empty

__all__ = ["Session"]


class Session(LazyObject):  # type: ignore[type-arg]
    """The session of an ASGI scope, made by SESSION_ENGINE once something is asked of it.

    Most connections bring a token, and then nothing is. Reading it is a query, and not for the
    event loop: ``channels.auth.get_user()`` sees to that.
    """

    _wrapped: Any = empty
    _headers: list[tuple[bytes, bytes]]

    def __init__(self, scope: dict[str, Any]) -> None:
        # Not by Django's own way to set one, which would make the session.
        object.__setattr__(self, "_headers", scope["headers"])

    def _setup(self) -> None:
        cookies: dict[str, str] = {}
        for name, value in self._headers:
            if name == b"cookie":
                cookies |= parse_cookie(value.decode("latin-1"))
        store: Any = import_module(settings.SESSION_ENGINE)
        self._wrapped = store.SessionStore(cookies.get(settings.SESSION_COOKIE_NAME))
