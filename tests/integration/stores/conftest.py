"""The stores under test."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from taskstatus.stores.memory import MemoryStore
from taskstatus.stores.redis import RedisStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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
