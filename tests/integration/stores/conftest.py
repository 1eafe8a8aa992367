"""The stores under test."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
import redis

from config.demo.redis_server import private_redis
from taskstatus.stores.memory import MemoryStore
from taskstatus.stores.redis import RedisStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from taskstatus.stores import Store


@pytest.fixture
async def redis_store(redis_url: str) -> AsyncIterator[RedisStore]:
    """Yield a store on the real Redis."""
    store = RedisStore(redis_url)
    yield store
    store.close()
    await store.aclose()


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Store:
    """Return each store in turn."""
    if request.param == "memory":
        return MemoryStore()
    redis_store: RedisStore = request.getfixturevalue("redis_store")
    return redis_store


@pytest.fixture
def task_id() -> str:
    """Return the id of a task that no store knows yet."""
    return str(uuid.uuid4())


@pytest.fixture(scope="module")
def private_url() -> Iterator[str]:
    """Yield the URL of a Redis that nobody else gives commands to."""
    with private_redis(real=True) as server:
        yield server.url


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """Yield a client of the test's own."""
    with redis.Redis.from_url(redis_url) as client:
        yield client
