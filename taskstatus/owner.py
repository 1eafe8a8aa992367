"""Who enqueues a task: the user of the request that is being served.

``apps.py`` adds the middleware by itself where ``django.contrib.auth`` is in use.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db import connections
from django.http import HttpRequest, HttpResponseBase

__all__ = ["OwnerMiddleware", "current"]

logger = logging.getLogger(__name__)

_request: ContextVar[HttpRequest | None] = ContextVar("taskstatus_request", default=None)


class OwnerMiddleware:
    """Remembers the request while it is served; works under WSGI and ASGI."""

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self.__acall__(request)
        token = _request.set(request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(token)

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        token = _request.set(request)
        try:
            response = self.get_response(request)
            assert not isinstance(response, HttpResponseBase)  # noqa: S101 - for the type checker
            return await response
        finally:
            _request.reset(token)


def current() -> str:
    """Return the primary key of the request's user as a string, "" without one."""
    request = _request.get()
    if request is None or not hasattr(request, "user"):
        return ""
    try:
        return _primary_key_anywhere(request)
    except Exception:
        # Sessions may be kept anywhere. The task must become known, with an owner or without.
        logger.exception("The owner of a task could not be told")
        return ""


def _primary_key_anywhere(request: HttpRequest) -> str:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _primary_key(request)
    # An async view that enqueues: the session must not be loaded on the event loop.
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(_primary_key_apart, request).result()


def _primary_key(request: HttpRequest) -> str:
    user = request.user
    return str(user.pk) if user.is_authenticated else ""


def _primary_key_apart(request: HttpRequest) -> str:
    try:
        return _primary_key(request)
    finally:
        connections.close_all()
