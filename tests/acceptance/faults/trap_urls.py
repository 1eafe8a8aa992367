"""The URLs of the test project, and views that go wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.core.signals import request_started
from django.dispatch import receiver
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path

from tests.project.urls import urlpatterns as project_urls


def breaks_off(request: HttpRequest) -> StreamingHttpResponse:
    """Raise after the response has begun."""

    async def stream() -> AsyncIterator[bytes]:
        yield b"so far "
        raise RuntimeError("so bad")

    return StreamingHttpResponse(stream())


def breaks_off_in_a_thread(request: HttpRequest) -> StreamingHttpResponse:
    """Raise after the response has begun, from a generator that is not asynchronous."""

    def stream() -> Iterator[bytes]:
        yield b"so far "
        raise RuntimeError("so bad")

    return StreamingHttpResponse(stream())


@receiver(request_started)
def never_begin(scope: dict[str, Any] | None = None, **kwargs: Any) -> None:
    """Raise before there is a response, where Django turns nothing into a page."""
    if scope is not None and scope["path"] == "/never-begins/":
        raise RuntimeError("not even begun")


urlpatterns = [
    *project_urls,
    path("breaks-off/", breaks_off),
    path("breaks-off-in-a-thread/", breaks_off_in_a_thread),
]
