"""The pub/sub layer's groups, heard straight from a Redis that goes away, hangs or refuses."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from taskstatus import groups, hub, line, pubsub
from taskstatus.exceptions import UnknownTask
from taskstatus.groups import group_name
from taskstatus.membership import TURN
from taskstatus.pubsub import PubSub
from tests.integration.streams.layers import close_here, layer_setting
from tests.integration.streams.reading import (
    BOTH,
    TIMEOUT_SECONDS,
    UNIT,
    ended,
    eventually,
    read_until,
    states,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pytest_django.fixtures import Settings

    from tests.harness.mortal import Mortal
    from tests.integration.streams.conftest import OpenStream
    from tests.integration.streams.reading import Stream

    Listen = Callable[..., PubSub]

PREFIX = "heard"
RETRY_SECONDS = 2 * UNIT


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing that is away be waited for very long."""
    monkeypatch.setattr(pubsub, "RETRY_SECONDS", RETRY_SECONDS)
    monkeypatch.setattr(pubsub, "CONNECT_SECONDS", 10 * UNIT)


@pytest.fixture
async def stream(open_stream: OpenStream, mortal: Mortal) -> AsyncIterator[Stream]:
    """Yield a stream that does not reconcile by itself, on a Redis of its own."""
    async with open_stream("straight", mortal.url) as stream:
        yield stream


@pytest.fixture
async def listen(settings: Settings, mortal: Mortal) -> AsyncIterator[Listen]:
    """Yield what hears groups as the hub does, and closes all of it again."""
    opened: list[tuple[PubSub, Any]] = []

    def listen(hear: Callable[[dict[str, Any]], int], **config: Any) -> PubSub:
        config = {"prefix": PREFIX, **config}
        settings.CHANNEL_LAYERS = {"default": layer_setting("pubsub", mortal.url, **config)}
        layer = groups.get_layer()
        address = groups.plain_pubsub(layer)
        assert address is not None
        heard = PubSub(layer, *address, hear=hear, returned=lambda: None)
        opened.append((heard, layer))
        return heard

    yield listen
    for heard, layer in opened:
        await heard.aclose()
        await close_here(layer)


def channel(task_id: str, prefix: str = PREFIX) -> str:
    """Return the name of a group's channel."""
    return f"{prefix}__group__{group_name(task_id)}"


def hearers(mortal: Mortal, name: str) -> int:
    """Return how many connections are subscribed to a channel."""
    return int(mortal.order("PUBSUB", "NUMSUB", name)[1])


def publish(mortal: Mortal, name: str, *messages: bytes) -> None:
    """Publish messages, before anybody here hears the first."""
    with mortal.client as client, client.pipeline(transaction=False) as pipe:
        for message in messages:
            pipe.publish(name, message)
        assert pipe.execute() == [1] * len(messages)


async def test_connection_that_is_cut_is_made_again_and_what_was_missed_is_healed(
    stream: Stream, mortal: Mortal
) -> None:
    """At once, with no round of reconciling to be waited for; then all comes by itself again."""
    task = stream.task()
    task.started()
    async with stream.follow(task, types=BOTH) as feed:
        messages = await feed.batch(0)
        for number in range(3):
            # The event loop has no turn before all is said, so nobody is there to hear it.
            assert mortal.order("CLIENT", "KILL", "TYPE", "pubsub") == 1
            for line_number in range(5):
                task.log(f"{number}-{line_number}")
            messages += await read_until(feed, lambda messages: len(messages) == 5)
            name = channel(task.task_id, stream.prefix)
            await eventually(lambda name=name: hearers(mortal, name) == 1)  # type: ignore[misc]
        task.success()
        messages += await read_until(feed, ended)
    assert states(messages) == ["STARTED", *["log"] * 15, "SUCCESS"]
    versions = [message.version for message in messages]
    assert versions == sorted(set(versions))


async def test_groups_are_joined_again_in_a_redis_that_was_started_again(
    stream: Stream, mortal: Mortal
) -> None:
    """All of them, and only those."""
    task, gone = stream.task(), stream.task()
    task.started()
    name = channel(task.task_id, stream.prefix)
    async with stream.follow(task) as feed:
        await feed.batch(0)
        assert await stream.hub._membership.join(gone.task_id)
        await stream.hub._membership.leave(gone.task_id)
        with mortal.dead():
            await eventually(lambda: pubsub_of(stream)._line is None)
        await eventually(lambda: hearers(mortal, name) == 1)
        assert mortal.order("PUBSUB", "CHANNELS") == [name]
        task.success()
        assert states(await read_until(feed, ended))[-1] == "SUCCESS"


def pubsub_of(stream: Stream) -> PubSub:
    """Return what a stream's hub hears by."""
    assert isinstance(stream.hub._membership, PubSub)
    return stream.hub._membership


async def test_redis_that_hangs_is_given_up_and_connected_to_anew(
    stream: Stream, mortal: Mortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that answers no PING may never close anything."""
    monkeypatch.setattr(line, "PING_SECONDS", 4 * UNIT)
    task = stream.task()
    task.started()
    async with stream.follow(task, types=BOTH) as feed:
        await feed.batch(0)
        first = pubsub_of(stream)._line
        assert first is not None
        with mortal.hung():
            await eventually(lambda: pubsub_of(stream)._line is None)
        await eventually(lambda: pubsub_of(stream)._line is not None)
        assert pubsub_of(stream)._line is not first
        name = channel(task.task_id, stream.prefix)
        await eventually(lambda: hearers(mortal, name) == 1)
        task.success()
        assert states(await read_until(feed, ended)) == ["SUCCESS"]


async def test_connection_that_is_only_silent_is_kept(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task of which nothing is said for hours costs a PING now and then."""
    monkeypatch.setattr(line, "PING_SECONDS", UNIT)
    task = stream.task()
    task.started()
    async with stream.follow(task):
        quiet = pubsub_of(stream)._line
        assert quiet is not None
        heard = {quiet._heard_at}

        def often() -> bool:
            heard.add(quiet._heard_at)
            return len(heard) > 3 * line.MOST_SILENT

        await eventually(often)
        assert pubsub_of(stream)._line is quiet


@pytest.mark.usefixtures("short_probe")
async def test_reader_that_comes_while_redis_is_away_is_not_held_up(
    stream: Stream, mortal: Mortal
) -> None:
    """Joining gives up in time, and is done all the same once Redis is back."""
    async with stream.hub.subscribe("a task before"):
        with mortal.dead():
            began = time.monotonic()
            assert not await stream.hub._membership.join("another task")
            assert time.monotonic() - began < 40 * UNIT
            async with stream.hub.subscribe("a task"):
                assert not stream.hub.is_watching("a task")
        async with stream.hub.subscribe("a task"):
            await eventually(lambda: stream.hub.is_watching("a task"))
            assert hearers(mortal, channel("another task", stream.prefix)) == 1
            assert hearers(mortal, channel("a task", stream.prefix)) == 1


async def test_task_is_read_once_where_its_group_is_joined_at_once(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking first whether there is such a task, as other layers do, costs more than joining."""
    first, second = stream.task(), stream.task()
    reads = count_reads(stream, monkeypatch)
    for task in (first, second):
        task.started()
        reads.clear()
        async with stream.follow(task) as feed:
            assert states(await feed.batch(0)) == ["STARTED"]
            task.success()
            assert states(await read_until(feed, ended)) == ["SUCCESS"]
    # Without a connection so far, the first of them was asked about.
    assert reads == [second.task_id]


async def test_group_of_a_task_that_nobody_knows_is_left_again(
    stream: Stream, mortal: Mortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a finished task keep one."""
    monkeypatch.setattr(hub, "LINGER_SECONDS", UNIT)
    known, unknown, finished = stream.task(), stream.task(), stream.task()
    known.started()
    finished.success()
    async with stream.follow(known):
        with pytest.raises(UnknownTask):
            async with stream.follow(unknown):
                pytest.fail("there is nothing to follow")
        async with stream.follow(finished) as feed:
            assert states(await feed.batch(0)) == ["SUCCESS"]
            assert feed.ended
        name = channel(known.task_id, stream.prefix)
        await eventually(lambda: mortal.order("PUBSUB", "CHANNELS") == [name])
        await eventually(lambda: list(stream.hub._watches) == [known.task_id])


def count_reads(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return where the tasks are noted that are read from now on."""
    reads: list[str] = []
    aread = stream.store.aread

    async def noted(task_id: str, *args: Any, **options: Any) -> Any:
        reads.append(task_id)
        return await aread(task_id, *args, **options)

    monkeypatch.setattr(stream.store, "aread", noted)
    return reads


async def test_those_who_join_while_an_answer_is_awaited_join_together(
    listen: Listen, mortal: Mortal
) -> None:
    """A command for each of a thousand clients would be most of what their joining costs."""
    heard = listen(lambda _: 0)
    assert await heard.join("a task before")
    before = subscribes(mortal)
    joins: list[asyncio.Task[bool]] = []
    with mortal.hung():
        for number in range(10):
            joins.append(asyncio.create_task(heard.join(f"task {number}")))
            for _ in range(3):
                await asyncio.sleep(0)
    assert all(await asyncio.gather(*joins))
    assert subscribes(mortal) == before + 2


def subscribes(mortal: Mortal) -> int:
    """Return how many times Redis has been told to SUBSCRIBE."""
    with mortal.client as client:
        return int(client.info("commandstats")["cmdstat_subscribe"]["calls"])


@pytest.mark.usefixtures("short_probe")
@pytest.mark.parametrize("seed", range(3))
async def test_many_joins_and_leaves_end_in_the_right_state(
    listen: Listen, mortal: Mortal, seed: int
) -> None:
    """Any number of both in one turn of the event loop, though it is cut off now and then."""
    chance, heard, joined = random.Random(seed), listen(lambda _: 0), set[str]()
    names = [f"task {number}" for number in range(12)]
    going: list[asyncio.Task[Any]] = []

    async def churn(*, cuts: float) -> None:
        for _ in range(100):
            # Tasks begin in their order, all of them in the next turn.
            for name in chance.choices(names, k=chance.randint(1, 20)):
                if chance.random() < 0.5:
                    joined.add(name)
                    going.append(asyncio.create_task(heard.join(name)))
                else:
                    joined.discard(name)
                    going.append(asyncio.create_task(heard.leave(name)))
            for _ in range(chance.choice([1, 1, 2, 5])):
                await asyncio.sleep(0)
            if chance.random() < cuts:
                mortal.order("CLIENT", "KILL", "TYPE", "pubsub")
            if chance.random() < 2 * cuts:
                await eventually(lambda: heard._line is not None)

    async def settle() -> None:
        while not await heard.join("the last"):
            pass
        # What Redis says to this it says after all that was before it.
        expected = {channel(name) for name in {*joined, "the last"}}
        assert set(mortal.order("PUBSUB", "CHANNELS")) == expected

    await churn(cuts=0.1)
    await settle()
    # Without a new connection, which begins with the right ones, to help.
    await churn(cuts=0)
    await settle()
    await asyncio.gather(*going)


async def test_group_that_is_left_and_joined_in_one_turn_is_joined(
    listen: Listen, mortal: Mortal
) -> None:
    """And the other way round it is left; the answers are those to the right questions."""
    heard = listen(lambda _: 0)
    assert await heard.join("a task")
    _, joined = await asyncio.gather(heard.leave("a task"), heard.join("a task"))
    assert joined
    assert hearers(mortal, channel("a task")) == 1
    joining = asyncio.create_task(heard.join("other"))
    await asyncio.sleep(0)
    await heard.leave("other")
    assert await heard.join("a third")
    assert hearers(mortal, channel("other")) == 0
    joining.cancel()


@pytest.mark.parametrize(
    "config",
    [{}, {"serializer_format": "json"}, {"symmetric_encryption_keys": ["a secret of the test's"]}],
    ids=["msgpack", "json", "encrypted"],
)
async def test_what_is_heard_is_what_the_layer_would_give(
    listen: Listen, mortal: Mortal, config: dict[str, Any]
) -> None:
    """A message of the layer's own group_send() is the same as by its receive()."""
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def hear(message: dict[str, Any]) -> int:
        messages.put_nowait(message)
        return 0

    heard = listen(hear, **config)
    layer, group = groups.get_layer(), group_name("a task")
    mine = await layer.new_channel()
    await layer.group_add(group, mine)
    assert await heard.join("a task")
    await eventually(lambda: hearers(mortal, channel("a task")) == 2)
    for said in ({"type": "odd", "json": '{"é":"🚀\r\n"}'}, {"type": "big", "json": "x" * 10**6}):
        await layer.group_send(group, said)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            assert await messages.get() == await layer.receive(mine) == said


async def test_burst_leaves_the_event_loop_to_others(listen: Listen, mortal: Mortal) -> None:
    """However much has come at once; meanwhile no more than that is read."""
    turn, turns, bodies, most_held = 0, list[int](), list[str](), 0
    loop, heard, going_on = asyncio.get_running_loop(), None, True

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        if going_on:
            loop.call_soon(next_turn)

    def hear(message: dict[str, Any]) -> int:
        nonlocal most_held
        turns.append(turn)
        bodies.append(message["body"])
        assert heard is not None
        assert heard._line is not None
        most_held = max(most_held, len(heard._line._replies._buffer))
        return TURN // 4 + 1

    heard = listen(hear)
    assert await heard.join("a task")
    said = [f"{number} {'x' * 1_000}" for number in range(4_000)]
    serialized = [groups.get_layer().serialize({"body": body}) for body in said]
    next_turn()
    publish(mortal, channel("a task"), *serialized)
    await eventually(lambda: len(bodies) == len(said))
    going_on = False
    assert bodies == said
    assert max(turns.count(number) for number in set(turns)) == 4
    assert most_held < sum(map(len, serialized)) / 2


@pytest.mark.parametrize("garbage", [b"\xc1 no MessagePack", b"", b"\x93\x01\x02\x03", b"\xc0"])
async def test_what_cannot_be_read_is_logged_and_harms_nobody(
    stream: Stream, mortal: Mortal, caplog: pytest.LogCaptureFixture, garbage: bytes
) -> None:
    """Whoever may publish to the channel may write anything there."""
    task = stream.task()
    task.pending()
    async with stream.hub.subscribe(task.task_id) as subscription:
        kept = pubsub_of(stream)._line
        publish(mortal, channel(task.task_id, stream.prefix), garbage)
        task.started()
        assert await subscription.wait(100 * UNIT)
        assert [message.state for message in subscription.take()] == ["STARTED"]
        assert pubsub_of(stream)._line is kept
    assert "A group message could not be read" in caplog.text


@pytest.fixture
def deaf(mortal: Mortal) -> str:
    """Return the URL of that Redis for a user who may not subscribe."""
    mortal.order("ACL", "SETUSER", "deaf", "on", ">secret", "~*", "&*", "+@all", "-subscribe")
    return f"redis://deaf:secret@127.0.0.1:{urlsplit(mortal.url).port}"


@pytest.mark.usefixtures("short_probe")
async def test_user_who_may_not_subscribe_is_refused_now_and_then(
    open_stream: OpenStream,
    mortal: Mortal,
    deaf: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told once, and tried again in peace; readers reconcile, and are not made to."""
    tries, returns = list[float](), list[float]()
    async with open_stream("straight", deaf) as stream:
        heard = pubsub_of(stream)
        make = heard._pool.make_connection

        def make_one() -> Any:
            tries.append(time.monotonic())
            return make()

        monkeypatch.setattr(heard._pool, "make_connection", make_one)
        monkeypatch.setattr(heard, "_returned", lambda: returns.append(time.monotonic()))
        settings.TASKSTATUS_RECONCILE_SECONDS = 2 * UNIT
        task = stream.task()
        task.started()
        async with stream.follow(task) as feed:
            assert not stream.hub.is_watching(task.task_id)
            await eventually(lambda: len(tries) > 4)
            task.success()
            assert states(await read_until(feed, ended)) == ["STARTED", "SUCCESS"]
            gaps = [after - before for before, after in pairwise(tries)]
            assert min(gaps) >= RETRY_SECONDS
            said = [record.getMessage() for record in caplog.records]
            (refusal,) = [message for message in said if "can't be subscribed to" in message]
            assert "NOPERM" in refusal
            assert not returns
            mortal.order("ACL", "SETUSER", "deaf", "+subscribe")
            await eventually(lambda: bool(returns))
            assert hearers(mortal, channel(task.task_id, stream.prefix)) == 1


@pytest.mark.usefixtures("short_probe")
async def test_refusal_is_not_taken_for_an_answer(
    listen: Listen, mortal: Mortal, deaf: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One refusal is for all channels of a command; answers that follow are to other commands."""
    mortal.order("ACL", "SETUSER", "deaf", "+subscribe")
    heard = listen(lambda _: 0, hosts=[deaf])
    assert await heard.join("a task")
    assert await heard.join("another")
    mortal.order("ACL", "SETUSER", "deaf", "-subscribe")
    refused, _, _ = await asyncio.gather(
        heard.join("refused"), heard.leave("a task"), heard.leave("another")
    )
    assert not refused
    assert [r for r in caplog.records if "NOPERM" in r.getMessage()]
    mortal.order("ACL", "SETUSER", "deaf", "+subscribe")
    await eventually(lambda: hearers(mortal, channel("refused")) == 1)
    assert hearers(mortal, channel("a task")) == 0


async def test_trouble_of_any_kind_is_got_over(
    listen: Listen, mortal: Mortal, caplog: pytest.LogCaptureFixture
) -> None:
    """Who provides the password may raise what they like; it is told once, and tried again."""
    caplog.set_level(logging.WARNING)
    fails, asked = True, 0

    class Provider:
        """The user and the password, when it can be asked."""

        def get_credentials(self) -> tuple[str, ...]:
            """Return the password."""
            nonlocal asked
            asked += 1
            if fails:
                raise LookupError("the vault is sealed")
            return (str(urlsplit(mortal.url).password),)

        async def get_credentials_async(self) -> tuple[str, ...]:
            """Return the password."""
            return self.get_credentials()

    port = urlsplit(mortal.url).port
    host = {"host": "127.0.0.1", "port": port, "credential_provider": Provider()}
    heard = listen(lambda _: 0, hosts=[host])
    joining = asyncio.create_task(heard.join("a task"))
    await eventually(lambda: asked > 3)
    fails = False
    assert await joining
    assert caplog.text.count("the vault is sealed") == 1
