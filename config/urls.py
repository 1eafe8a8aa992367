"""The URLs that Django serves; the streams are routed before it, in config/asgi.py."""

from __future__ import annotations

from django.urls import include, path

from config import health

__all__ = ["urlpatterns"]

urlpatterns = [
    path("healthz", health.live),
    path("readyz", health.ready),
    path("", include("taskstatus.urls")),
    path("", include("config.demo.urls")),
]
