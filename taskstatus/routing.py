"""Where the consumers answer, and the ASGI wrapper that puts them in front of a project."""

from __future__ import annotations

from typing import Any
from urllib.parse import ParseResult

from channels.routing import URLRouter
from channels.security.websocket import OriginValidator, WebsocketDenier
from channels.sessions import SessionMiddlewareStack
from django.conf import settings as django_settings
from django.core.handlers.asgi import ASGIHandler
from django.urls import re_path

from taskstatus.conf import settings
from taskstatus.consumers import (
    BundleLongPollConsumer,
    BundleSseConsumer,
    BundleWebSocketConsumer,
    LongPollConsumer,
    SseConsumer,
    TaskStatusConsumer,
)
from taskstatus.guard import Guard, HostValidator
from taskstatus.installation import wrapped

__all__ = ["http_urlpatterns", "websocket_urlpatterns", "with_taskstatus"]

# The id is whatever stands between the slashes: it may hold slashes of its own (%2F arrives
# decoded), and what it may not hold is answered with 400 by the consumers.
_ID = r"(?P<task_id>(?s:.*))/\Z"

websocket_urlpatterns = [
    re_path(r"^ws/task_status/\Z", BundleWebSocketConsumer.as_asgi()),
    re_path(rf"^ws/task_status/{_ID}", TaskStatusConsumer.as_asgi()),
]
http_urlpatterns = [
    re_path(r"^sse/task_status/\Z", BundleSseConsumer.as_asgi()),
    re_path(rf"^sse/task_status/{_ID}", SseConsumer.as_asgi()),
    re_path(r"^poll/task_status/\Z", BundleLongPollConsumer.as_asgi()),
    re_path(rf"^poll/task_status/{_ID}", LongPollConsumer.as_asgi()),
]


class TaskOriginValidator(OriginValidator):  # type: ignore[misc]
    """Lets in pages of our own hosts and of ALLOWED_ORIGINS, and clients that are no pages.

    A browser always names the origin of a page that opens a WebSocket; who names none is not one
    (RFC 6455 §10.2), and cannot be made to act for somebody else's session.
    """

    def __init__(self, application: Any) -> None:
        super().__init__(application, [])

    def valid_origin(self, parsed_origin: ParseResult | None) -> bool:
        """Return whether a connection with this Origin may go on."""
        if parsed_origin is None:
            return True
        hosts = list(django_settings.ALLOWED_HOSTS)
        if django_settings.DEBUG and not hosts:
            hosts = ["localhost", "127.0.0.1", "[::1]"]
        self.allowed_origins = [*hosts, *settings.ALLOWED_ORIGINS]
        try:
            return bool(self.validate_origin(parsed_origin))
        except ValueError:  # a port that is none
            return False


class _Router:
    """Sends a connection to the first route that matches, or to the project's own application."""

    def __init__(self, routes: list[Any], application: Any, otherwise: Any) -> None:
        self._patterns = [route.pattern for route in routes]
        self._ours = application
        self._otherwise = otherwise

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # Whether the path has the root path in it or not, as Django takes it (Daphne-Root-Path).
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if any(pattern.match(path.lstrip("/")) for pattern in self._patterns):
            await self._ours({**scope, "path": path, "root_path": ""}, receive, send)
        else:
            await self._otherwise(scope, receive, send)


def with_taskstatus(application: Any) -> Guard:
    """Return an ASGI application with the task routes in front of ``application``.

    ``application`` is Django's (``get_asgi_application()``) or any other, a ProtocolTypeRouter
    with WebSocket routes of the project's own among them. Sessions are read from the cookie, and
    only when an access policy asks for the user.
    """
    websockets = SessionMiddlewareStack(URLRouter(websocket_urlpatterns))
    http = SessionMiddlewareStack(URLRouter(http_urlpatterns))
    only_http = isinstance(application, ASGIHandler)
    guard = Guard(
        http=_Router(http_urlpatterns, HostValidator(http), application),
        websocket=_Router(
            websocket_urlpatterns,
            TaskOriginValidator(websockets),
            WebsocketDenier.as_asgi() if only_http else application,
        ),
        otherwise=None if only_http else application,
    )
    wrapped.append(guard)
    return guard
