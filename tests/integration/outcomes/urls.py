"""The URLs of the test project, and an asynchronous view that enqueues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tests.project import urls, views

if TYPE_CHECKING:
    from django.http import HttpRequest, JsonResponse


@csrf_exempt
async def aenqueue(request: HttpRequest) -> JsonResponse:
    """Enqueue on the event loop, as an asynchronous view does that knows no better."""
    return views.enqueue(request)


urlpatterns = [*urls.urlpatterns, path("aenqueue/", aenqueue)]
