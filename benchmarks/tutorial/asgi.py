"""The baseline's ASGI application."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.tutorial.settings"
http = get_asgi_application()

# Django has to be set up first.
from benchmarks.tutorial.consumers import TaskStatusConsumer  # noqa: E402

routes = [path("ws/task_status/<str:task_id>/", TaskStatusConsumer.as_asgi())]
application = ProtocolTypeRouter(
    {"http": http, "websocket": AuthMiddlewareStack(URLRouter(routes))}
)
