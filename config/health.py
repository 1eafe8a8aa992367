"""Is this process alive, and can it serve? For load balancers and orchestrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["live", "ready"]

_TIMEOUT_SECONDS = 1


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as requests are answered at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when Redis and the database answer, else 503; the body says which does."""
    parts = {"redis": _redis_answers(), "database": _database_answers()}
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)


def _redis_answers() -> bool:
    url = settings.REDIS_URL
    timeout = _TIMEOUT_SECONDS
    with redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout) as link:
        try:
            return bool(link.ping())
        except redis.RedisError:
            return False


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
