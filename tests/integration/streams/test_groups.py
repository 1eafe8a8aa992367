"""What goes through a task's group: the same message, whoever sends it and however it travels."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from taskstatus import changes, groups
from taskstatus.messages import Message
from taskstatus.publisher import publish
from taskstatus.stores import get_store
from taskstatus.testing import TaskDriver
from tests.harness.environment import Environment
from tests.integration.streams.layers import close_here, layer_setting
from tests.integration.streams.reading import TIMEOUT_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from pytest_django.fixtures import Settings

    from taskstatus.changes import Change
    from tests.harness.processes import Processes
    from tests.integration.streams.layers import Kind

KIB = 1_024


class Member:
    """A channel of the test's own that is in a task's group."""

    def __init__(self, layer: Any, group: str, channel: str) -> None:
        self.layer = layer
        self.group = group
        self.channel = channel

    @classmethod
    async def join(cls, task_id: str) -> Member:
        """Return a member to whom messages come for certain."""
        layer, group = groups.get_layer(), groups.group_name(task_id)
        member = cls(layer, group, await layer.new_channel())
        await layer.group_add(group, member.channel)
        # The pub/sub layer does not wait for Redis to confirm that it has joined.
        first = asyncio.ensure_future(member.receive())
        sent = 0
        while not first.done():
            await layer.group_send(group, {"type": "probe", "number": sent})
            sent += 1
            await asyncio.wait([first], timeout=0.05)
        heard = first.result()["number"]
        while heard < sent - 1:
            heard = (await member.receive())["number"]
        return member

    async def receive(self) -> dict[str, Any]:
        """Return the next message."""
        message: dict[str, Any] = await asyncio.wait_for(
            self.layer.receive(self.channel), TIMEOUT_SECONDS
        )
        return message


@pytest.fixture
async def use(settings: Settings, redis_url: str) -> AsyncIterator[Any]:
    """Yield what puts a channel layer in use, with the store on the session's Redis."""
    settings.TASKSTATUS_STORE_URL = redis_url
    layers = []

    def use(kind: Kind, **config: Any) -> None:
        settings.CHANNEL_LAYERS = {"default": layer_setting(kind, redis_url, **config)}
        layers.append(groups.get_layer())

    yield use
    for layer in layers:
        loop = groups._sender._running_loop()
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(close_here(layer), loop))


def odd_changes(task: TaskDriver) -> list[Change]:
    """Return changes whose messages strain the encoding in every way."""
    run = task.run
    return [
        changes.started(run),
        changes.custom(run, "ZUSTAND ✓ 任务", None),
        changes.custom(run, "S" * 40, None),
        changes.custom(run, "S" * 300, None),
        changes.log(run, 'two\nlines, "quotes" and 🚀', level="info"),
        changes.log(run, "", level="x" * 300),
        changes.succeeded(run, "é" * 100 * KIB, max_bytes=1_000 * KIB),
    ]


@pytest.mark.parametrize("name", ["plain", "ünïcödé/任务 {x}", "x" * 255, "🚀" * 255])
async def test_store_publishes_what_the_layer_would_have_sent(use: Any, name: str) -> None:
    """The envelope that the script finishes is, read by the layer, group_send's own message."""
    use("pubsub")
    task = TaskDriver(f"{TaskDriver().task_id}{name}"[:255])
    member = await Member.join(task.task_id)
    for change in odd_changes(task):
        assert groups.envelope(task.task_id, change.kind, change.state) is not None
        publish(change)
        from_store = await member.receive()
        assert from_store["task_id"] == task.task_id
        assert (from_store["kind"], from_store["state"]) == (change.kind, change.state)
        again = groups._encode(task.task_id, groups.decode(from_store))
        await member.layer.group_send(member.group, again)
        assert await member.receive() == from_store


async def test_group_message_is_the_message_that_was_recorded(use: Any) -> None:
    """What a member decodes has the very bytes, version and predecessor of the record."""
    use("pubsub")
    task = TaskDriver()
    member = await Member.join(task.task_id)
    task.started()
    first = groups.decode(await member.receive())
    task.success("é" * 20 * KIB)
    last = groups.decode(await member.receive())
    reading = get_store().read(task.task_id)
    assert reading is not None
    assert last.json == reading.status.json
    assert (last.version, last.prev) == (reading.version, first.version)
    assert first.prev == 0
    assert last.ready


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("core", {}),
        ("pubsub", {"symmetric_encryption_keys": ["a secret of the test's"]}),
        ("pubsub", {"serializer_format": "json"}),
    ],
    ids=["core", "encrypted", "json"],
)
async def test_layers_that_the_store_cannot_write_for_send_by_themselves(
    use: Any, kind: Kind, config: dict[str, Any]
) -> None:
    """Whatever the layer's format, a publisher's message reaches the group, whole."""
    use(kind, **config)
    task = TaskDriver()
    assert groups.envelope(task.task_id, "status", "STARTED") is None
    member = await Member.join(task.task_id)
    await asyncio.to_thread(task.pending)
    await asyncio.to_thread(task.success, "é" * 20 * KIB)
    # The first message of a task goes to nobody: until then it was unknown.
    message = groups.decode(await member.receive())
    reading = get_store().read(task.task_id)
    assert reading is not None
    assert (message.json, message.version) == (reading.status.json, reading.version)


@pytest.mark.parametrize("kind", ["core", "pubsub"])
async def test_messages_of_one_process_arrive_in_their_order(use: Any, kind: Kind) -> None:
    """They are sent one after another, however fast they come."""
    use(kind)
    task = TaskDriver()
    member = await Member.join(task.task_id)

    def say() -> None:
        for number in range(50):
            groups.send(task.task_id, Message("log", "", number + 1, number, "{}"))

    await asyncio.to_thread(say)
    versions = [groups.decode(await member.receive()).version for _ in range(50)]
    assert versions == list(range(1, 51))


async def test_memory_layer_is_sent_to_on_the_loop_that_serves(use: Any) -> None:
    """A worker thread's message arrives on the server's loop, where the layer's queues are."""
    use("memory")
    groups.serve_here()
    task = TaskDriver()
    member = await Member.join(task.task_id)
    await asyncio.to_thread(task.pending)
    await asyncio.to_thread(task.started)
    assert groups.decode(await member.receive()).state == "STARTED"


async def test_sending_from_the_serving_loop_itself_does_not_block_it(use: Any) -> None:
    """A terminal message of an eager task in an async view is not waited for."""
    use("memory")
    groups.serve_here()
    task = TaskDriver()
    member = await Member.join(task.task_id)
    message = Message("status", "SUCCESS", 2, 1, "{}")
    began = asyncio.get_running_loop().time()
    groups.send(task.task_id, message)
    assert asyncio.get_running_loop().time() - began < groups.SEND_SECONDS / 2
    assert groups.decode(await member.receive()).ready


@pytest.mark.parametrize("kind", ["core", "pubsub"])
async def test_sender_survives_a_fork(
    use: Any, kind: Kind, processes: Processes, redis_url: str, tmp_path: Path
) -> None:
    """A pool's child sends on a loop of its own, as its parent does before and after."""
    use(kind)
    task = TaskDriver()
    member = await Member.join(task.task_id)
    environment = Environment(layer=kind, redis_url=redis_url, database=tmp_path / "unused")
    forking = await asyncio.to_thread(
        processes.start,
        "forking",
        ["-m", "tests.integration.streams.forking", task.task_id],
        env=environment.variables(),
    )
    said = [groups.decode(await member.receive()).json for _ in range(3)]
    await asyncio.to_thread(forking.wait_for_exit)
    assert said == ["before", "child", "after"]
