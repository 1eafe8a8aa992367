"""Where the consumers answer, and the ASGI wrapper that puts them in front of a project."""

from __future__ import annotations

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.core.handlers.asgi import ASGIHandler
from django.urls import re_path

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
from taskstatus.origin import is_of_our_pages
from taskstatus.session import Session

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


class _Router:
    """Sends a connection to the first route that matches, or to the project's own application.

    Returns what is to be awaited, and is gone by then: a stream that is open for hours holds no
    frame of it, and no copy of its scope.
    """

    def __init__(self, routes: list[Any], otherwise: Any) -> None:
        self._routes = [(route.pattern.regex, route.callback.consumer_class) for route in routes]
        self._otherwise = otherwise

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        # Whether the path has the root path in it or not, as Django takes it (Daphne-Root-Path).
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        for regex, consumer in self._routes:
            if found := regex.match(path.lstrip("/")):
                if scope.get("root_path"):
                    scope = {**scope, "path": path, "root_path": ""}
                scope["url_route"] = {"args": (), "kwargs": found.groupdict()}
                scope.setdefault("session", Session(scope))
                return self.application(consumer, scope)(scope, receive, send)
        return self._otherwise(scope, receive, send)

    def application(self, consumer: Any, scope: Any) -> Any:
        """Return what serves a connection that is ours, by a consumer of this class."""
        raise NotImplementedError


class _HttpRouter(_Router):
    def application(self, consumer: Any, scope: Any) -> Any:
        return HostValidator(consumer())


class _WebSocketRouter(_Router):
    def application(self, consumer: Any, scope: Any) -> Any:
        return consumer() if is_of_our_pages(scope) else WebsocketDenier()


def with_taskstatus(application: Any) -> Guard:
    """Return an ASGI application with the task routes in front of ``application``.

    ``application`` is Django's (``get_asgi_application()``) or any other, a ProtocolTypeRouter
    with WebSocket routes of the project's own among them. Sessions are read from the cookie, and
    only when an access policy asks for the user.
    """
    only_http = isinstance(application, ASGIHandler)
    guard = Guard(
        http=_HttpRouter(http_urlpatterns, application),
        websocket=_WebSocketRouter(
            websocket_urlpatterns, WebsocketDenier.as_asgi() if only_http else application
        ),
        otherwise=None if only_http else application,
    )
    wrapped.append(guard)
    return guard
