"""The session's Redis, and what tests do with it besides running the product on it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import redis

from config.demo.redis_server import private_redis

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["forget", "keys", "open_gate", "real_redis"]


@contextlib.contextmanager
def real_redis() -> Iterator[str]:
    """Yield the URL of a real Redis: the one that REDIS_URL names, else one of our own.

    It is never flushed: tests use ids of their own, so they need not run in any order.
    """
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    with private_redis(real=True) as server:
        yield server.url


def keys(url: str) -> set[bytes]:
    """Return the names of all keys that there are now."""
    with redis.Redis.from_url(url) as client:
        return set(client.scan_iter(count=1_000))


def forget(url: str, names: set[bytes]) -> None:
    """Delete keys, as a flush of the store would."""
    with redis.Redis.from_url(url) as client:
        client.delete(*names)


def open_gate(url: str, gate: str) -> None:
    """Let a task of ``tests.project.tasks`` go on that waits, or will wait, at the gate."""
    with redis.Redis.from_url(url) as client:
        client.rpush(f"gate:{gate}", "open")
        client.expire(f"gate:{gate}", 120)
