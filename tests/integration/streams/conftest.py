"""A hub on each channel layer, with the store that goes with it."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING, cast

import pytest

from taskstatus import groups, membership, publisher, pubsub
from taskstatus.hub import Hub
from taskstatus.pubsub import PubSub
from taskstatus.stores import Store, get_store
from taskstatus.stores.redis import RedisStore
from tests.harness.mortal import Mortal
from tests.integration.streams.layers import KINDS, Kind, StraightTap, Tap, Way, layer_setting
from tests.integration.streams.reading import UNIT, Stream, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from pytest_django.fixtures import Settings

    OpenStream = Callable[[Way, str], AbstractAsyncContextManager[Stream]]


@pytest.fixture
def open_stream(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> OpenStream:
    """Return what opens a stream on a layer and a Redis, and closes all of it again."""
    # Healing must not hide what comes by itself; tests of healing set this much smaller.
    settings.TASKSTATUS_RECONCILE_SECONDS = 600

    def seen_by_hub(store: Store) -> tuple[Tap, Hub]:
        tap = Tap(groups.get_layer())
        return tap, Hub(tap, store)

    def straight(store: Store) -> tuple[Tap, Hub]:
        tap = StraightTap(groups.get_layer())
        hub = Hub(tap.layer, store)
        assert isinstance(hub._membership, PubSub)
        tap.wrap(hub._membership, monkeypatch)
        return tap, hub

    @contextlib.asynccontextmanager
    async def opened(kind: Way, url: str) -> AsyncIterator[Stream]:
        prefix = f"test-{uuid.uuid4().hex[:8]}"
        config = {} if kind == "memory" else {"prefix": prefix}
        settings.CHANNEL_LAYERS = {"default": layer_setting(kind, url, **config)}
        settings.TASKSTATUS_STORE_URL = "memory://" if kind == "memory" else url
        store = get_store()
        tap, hub = straight(store) if kind == "straight" else seen_by_hub(store)
        stream = Stream(kind=kind, tap=tap, hub=hub, store=store, prefix=prefix)
        before = asyncio.all_tasks()
        try:
            yield stream
        finally:
            assert await asyncio.to_thread(publisher.flush, 5)
            await stream.hub.aclose()
            # Messages on their way to the layer may arrive, everything else has ended.
            await eventually(lambda: not ours(asyncio.all_tasks() - before))
            if isinstance(store, RedisStore):
                await store.aclose()
                store.close()

    return opened


def ours(tasks: set[asyncio.Task[object]]) -> list[str]:
    """Return those of some tasks that the product has started."""
    return [repr(task) for task in tasks if "taskstatus" in repr(task)]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Return the name of a channel layer, each in turn."""
    return cast("Kind", request.param)


@pytest.fixture(params=(*KINDS, "straight"))
async def stream(
    request: pytest.FixtureRequest, open_stream: OpenStream, redis_url: str
) -> AsyncIterator[Stream]:
    """Yield a stream on each channel layer, and on the pub/sub layer heard straight from Redis."""
    async with open_stream(request.param, redis_url) as stream:
        yield stream


@pytest.fixture
def mortal() -> Iterator[Mortal]:
    """Yield a Redis that may die."""
    with contextlib.ExitStack() as stack:
        yield Mortal(stack)


@pytest.fixture
def short_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hub give up soon when its probes don't arrive."""
    monkeypatch.setattr(membership, "PROBE_SECONDS", 2 * UNIT)
    monkeypatch.setattr(pubsub, "PROBE_SECONDS", 2 * UNIT)
