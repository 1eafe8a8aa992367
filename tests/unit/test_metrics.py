"""What a process has done is counted where it is done, and shown to Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import RequestFactory, override_settings
from prometheus_client import REGISTRY

from taskstatus import changes, outbox
from taskstatus.access import Caller
from taskstatus.exceptions import SlowReader
from taskstatus.feed import follow
from taskstatus.hub import get_hub
from taskstatus.limits import Counted
from taskstatus.metrics import metrics
from taskstatus.publisher import flush
from taskstatus.stores import get_store
from taskstatus.testing import TaskDriver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def value(name: str, **labels: str) -> float:
    """Return what Prometheus is shown."""
    found = REGISTRY.get_sample_value(f"taskstatus_{name}", labels)
    assert found is not None, name
    return found


@pytest.fixture
async def hub() -> AsyncIterator[None]:
    """Close the hub of this event loop."""
    yield
    await get_hub().aclose()


@pytest.fixture
def task() -> TaskDriver:
    """Return a task that runs."""
    task = TaskDriver()
    task.pending()
    task.started()
    return task


@pytest.mark.parametrize(
    ("transport", "scope"),
    [
        ("websocket", {"type": "websocket", "path": "/ws/task_status/t/"}),
        ("sse", {"type": "http", "path": "/sse/task_status/t/"}),
        ("longpoll", {"type": "http", "path": "/poll/task_status/t/"}),
    ],
)
def test_open_connections_are_counted_by_transport(transport: str, scope: dict[str, str]) -> None:
    """While they are open."""
    before = value("connections", transport=transport)
    with Counted(Caller(scope)):
        assert value("connections", transport=transport) == before + 1
    assert value("connections", transport=transport) == before


def test_slow_readers_are_counted() -> None:
    """Whatever noticed that they are."""
    before = value("slow_readers_total")
    with pytest.raises(SlowReader), Counted(Caller({"type": "websocket"})):
        raise SlowReader
    assert value("slow_readers_total") == before + 1


async def test_messages_resumes_and_resets_are_counted(hub: None, task: TaskDriver) -> None:
    """As a client gets them."""
    names = ("messages_sent_total", "resumes_total", "resets_total")
    before = [value(name) for name in names]
    async with follow(task.task_id) as feed:
        (snapshot,) = await feed.batch(1)
        task.progress(1, 2)
        assert len(await feed.batch(1)) == 1
    async with follow(task.task_id, after=snapshot.version) as feed:
        assert len(await feed.batch(1)) == 1
    async with follow(task.task_id, after=1) as feed:
        (reset,) = await feed.batch(1)
    assert reset.json.endswith('"reset":true}')
    assert [value(name) - old for name, old in zip(names, before, strict=True)] == [4, 2, 1]


async def test_what_reconciling_heals_is_counted(hub: None, task: TaskDriver) -> None:
    """A message that the layer has lost."""
    before = value("healed_total")
    async with follow(task.task_id) as feed:
        await feed.batch(1)
        # In the store, and the group was not told.
        get_store().record(changes.succeeded(task.run, None, max_bytes=100))
        await get_hub().reconcile()
        assert (await feed.batch(1))[-1].ready
    assert value("healed_total") == before + 1


def test_what_the_store_would_not_take_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what waits for it, until it does."""
    before = value("publish_failures_total")
    monkeypatch.setattr(outbox, "RETRY_SECONDS", 0.005)
    with override_settings(TASKSTATUS_STORE_URL="redis://127.0.0.1:1"):
        TaskDriver().pending()
        assert value("outbox_changes") == 1
    assert flush()
    assert value("outbox_changes") == 0
    assert value("publish_failures_total") == before + 1


def test_metrics_are_answered_as_prometheus_reads_them() -> None:
    """All of them, and whatever else the process has."""
    answer = metrics(RequestFactory().get("/metrics"))
    assert answer.status_code == 200
    assert 'taskstatus_connections{transport="sse"}' in answer.content.decode()
    assert metrics(RequestFactory().post("/metrics")).status_code == 405
