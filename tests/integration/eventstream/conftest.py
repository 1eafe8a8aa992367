"""django-eventstream on our store, and streams of it that leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from asgiref.sync import sync_to_async
from django_eventstream import views

from taskstatus.hub import get_hub
from taskstatus.stores import get_store
from taskstatus.stores.redis import RedisStore
from taskstatus.testing import TaskDriver
from tests.integration.eventstream.stream import Stream, event_request, running
from tests.integration.streams.reading import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager

    from pytest_django.fixtures import Settings

    OpenStream = Callable[..., AbstractAsyncContextManager[Stream]]


@pytest.fixture(autouse=True)
def store(settings: Settings, redis_url: str) -> Iterator[RedisStore]:
    """Let django-eventstream read from the real Redis, by our adapters."""
    settings.TASKSTATUS_STORE_URL = redis_url
    settings.EVENTSTREAM_CHANNELMANAGER_CLASS = "taskstatus.eventstream.channels.TaskChannelManager"
    settings.EVENTSTREAM_STORAGE_CLASS = "taskstatus.eventstream.storage.TaskStorage"
    store = get_store()
    assert isinstance(store, RedisStore)
    yield store
    store.close()


@pytest.fixture
def task() -> TaskDriver:
    """Return a task that has not begun."""
    return TaskDriver(str(uuid.uuid4()))


@pytest.fixture
async def open_stream(store: RedisStore, settings: Settings) -> AsyncIterator[OpenStream]:
    """Yield what opens a stream; nothing of it is left on the event loop afterwards."""
    settings.TASKSTATUS_RECONCILE_SECONDS = 0.2

    @contextlib.asynccontextmanager
    async def opened(task: TaskDriver, last_id: str = "") -> AsyncIterator[Stream]:
        request = await sync_to_async(event_request)(task, last_id=last_id)
        listener = views.Listener()
        listener.channels = request.channels
        async with contextlib.aclosing(views.stream(request, listener)) as bodies:
            yield Stream(bodies)

    before = asyncio.all_tasks()
    yield opened
    await eventually(lambda: not [task for task in running(before) if "_Relay" in repr(task)])
    await get_hub().aclose()
    await store.aclose()
    assert not running(before)
