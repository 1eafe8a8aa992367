"""Our log on a real Redis, as django-eventstream's functions and its stream read it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory
from django_eventstream import (
    EventPermissionError,
    EventRequest,
    get_current_event_id,
    get_events,
    send_event,
    views,
)
from django_eventstream.event import Event
from django_eventstream.storage import EventDoesNotExist, StorageBase

from taskstatus.access import make_token
from taskstatus.eventstream import storage
from taskstatus.eventstream.names import channel_of
from taskstatus.eventstream.storage import TaskStorage
from taskstatus.eventstream.views import events
from taskstatus.exceptions import StoreUnavailable
from taskstatus.hub import get_hub
from taskstatus.stores import get_store
from taskstatus.stores.redis import RedisStore
from taskstatus.testing import TaskDriver
from tests.harness.clients.event_stream import EventStreamParser
from tests.integration.streams.reading import TIMEOUT_SECONDS, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager

    from pytest_django.fixtures import Settings

    from taskstatus.stores import Reading, Store

    OpenStream = Callable[..., AbstractAsyncContextManager["Stream"]]

#: A store that does not answer.
NOWHERE = "redis://127.0.0.1:1/0"
#: Long enough for a stream that goes round in circles to be caught at it.
QUIET_SECONDS = 0.5


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


def messages_of(task: TaskDriver) -> list[tuple[int, str]]:
    """Return the versions and bytes of all that the store has kept of a task."""
    reading = get_store().read(task.task_id, 0)
    assert reading is not None
    return [(message.version, message.json) for message in reading.messages]


def read(task: TaskDriver, last_id: int, **options: int) -> list[tuple[int, str]]:
    """Return the ids and data of the events after a position."""
    events = TaskStorage().get_events(channel_of(task.task_id), last_id, **options)
    assert {event.channel for event in events} <= {channel_of(task.task_id)}
    return [(event.id, event.data) for event in events]


def test_the_beginning_is_the_snapshot(task: TaskDriver) -> None:
    """From 0 on come the current status, and the log lines that are newer than it."""
    task.pending()
    task.started()
    task.log("before")
    task.progress(1, 2)
    task.log("after")
    events = read(task, 0)
    assert [json.loads(data).get("state", "log") for _, data in events] == ["PROGRESS", "log"]
    assert events == messages_of(task)[-2:]


def test_events_are_the_messages_and_their_versions(task: TaskDriver) -> None:
    """After each version come exactly the messages after it, byte for byte."""
    task.pending()
    task.started()
    task.log("a line")
    task.success({"rows": 3})
    messages = messages_of(task)
    for index, (version, _) in enumerate(messages):
        assert read(task, version) == messages[index + 1 :]


def test_no_more_comes_than_was_asked_for(task: TaskDriver) -> None:
    """The limit cuts at the end, so that what comes next follows on."""
    task.started()
    for number in range(5):
        task.log(str(number))
    messages = messages_of(task)
    assert read(task, messages[0][0], limit=3) == messages[1:4]


def test_a_position_that_is_not_kept_is_lost(task: TaskDriver, settings: Settings) -> None:
    """What was trimmed, or never was, raises; the position to go on from is the beginning."""
    settings.TASKSTATUS_MAX_EVENTS = 3
    task.started()
    first = messages_of(task)[0][0]
    for number in range(5):
        task.log(str(number))
    for position in (first, messages_of(task)[-1][0] + 1):
        with pytest.raises(EventDoesNotExist) as lost:
            read(task, position)
        assert lost.value.current_id == 0


def test_a_snapshot_is_there_even_if_its_own_message_was_trimmed(
    task: TaskDriver, settings: Settings
) -> None:
    """The current status is never lost, however many lines follow it."""
    settings.TASKSTATUS_MAX_EVENTS = 3
    task.started()
    for number in range(5):
        task.log(str(number))
    snapshot, *lines = read(task, 0)
    assert json.loads(snapshot[1])["state"] == "STARTED"
    assert [json.loads(data)["message"] for _, data in lines] == ["2", "3", "4"]


def test_of_an_unknown_task_there_is_nothing_yet(task: TaskDriver) -> None:
    """Its stream waits; a position in it is lost."""
    assert read(task, 0) == []
    with pytest.raises(EventDoesNotExist):
        read(task, 17)


def test_while_the_store_is_away_there_is_nothing(task: TaskDriver, settings: Settings) -> None:
    """A stream keeps its position then, and no error ends it."""
    task.started()
    settings.TASKSTATUS_STORE_URL = NOWHERE
    assert read(task, 0) == read(task, 17) == []


def test_a_page_is_told_the_beginning(task: TaskDriver) -> None:
    """``get_current_event_id()`` names the position from which a stream has the snapshot."""
    assert get_current_event_id([channel_of(task.task_id)]) == f"task-{task.task_id}:0"


def test_a_task_s_events_can_t_be_made_up(task: TaskDriver) -> None:
    """``send_event()`` to the channel of a task is a mistake, and says so."""
    with pytest.raises(NotImplementedError, match=r"come from Celery"):
        send_event(channel_of(task.task_id), "status", {})


class SiteStorage(StorageBase):  # type: ignore[misc]
    """A site's own storage, of one event."""

    def append_event(self, channel: str, event_type: str, data: str) -> Event:
        """Return it as it would be stored."""
        return Event(channel, event_type, data, id=1)

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        """Return the one event."""
        return [Event(channel, "message", "news", id=1)][last_id:limit]

    def get_current_id(self, channel: str) -> int:
        """Return the id of the one event."""
        return 1


class BothStorages(TaskStorage):
    """Tasks and the site's own."""

    others = SiteStorage()


def test_a_site_s_own_events_are_in_its_own_storage() -> None:
    """What is on no task's channel is left to the storage that the site names, if it does."""
    both = BothStorages()
    (event,) = both.get_events("news", 0)
    assert event.data == "news"
    assert both.get_current_id("news") == 1
    assert both.append_event("news", "message", "more").data == "more"
    with pytest.raises(NotImplementedError, match="others"):
        TaskStorage().get_current_id("news")


def event_request(task: TaskDriver, *, token: str | None = None, last_id: str = "") -> EventRequest:
    """Return what django-eventstream makes of a request for a task's stream."""
    token = make_token(task.task_id) if token is None else token
    headers = {"Last-Event-ID": f"task-{task.task_id}:{last_id}"} if last_id else {}
    request = RequestFactory().get("/", {"token": token}, headers=headers)
    request.user = AnonymousUser()
    return EventRequest(request, view_kwargs={"task_id": task.task_id})


def test_get_events_asks_the_policy(task: TaskDriver) -> None:
    """django-eventstream's own function reads with a token, and refuses without one."""
    task.started()
    response = get_events(event_request(task))
    (event,) = response.channel_items[channel_of(task.task_id)]
    assert json.loads(event.data)["state"] == "STARTED"
    with pytest.raises(EventPermissionError):
        get_events(event_request(task, token=""))


def test_get_events_resets_what_can_t_be_resumed(task: TaskDriver) -> None:
    """A position that is lost makes django-eventstream reset the channel, to the beginning."""
    task.started()
    response = get_events(event_request(task, last_id="17"))
    channel = channel_of(task.task_id)
    assert response.channel_reset == {channel}
    assert response.channel_last_ids == {channel: "0"}


async def test_the_view_says_that_the_store_is_away(task: TaskDriver, settings: Settings) -> None:
    """Where access can't be decided the answer is 503 and when to come back."""
    settings.TASKSTATUS_STORE_URL = NOWHERE
    request = RequestFactory().get("/")
    request.user = User(pk=41)
    response = await events(request, task_id=task.task_id)
    assert (response.status_code, "Retry-After" in response.headers) == (503, True)
    absent = get_store()
    assert isinstance(absent, RedisStore)
    await absent.aclose()


class Stream:
    """django-eventstream's own stream of a task, in this process."""

    def __init__(self, bodies: AsyncGenerator[str, None]) -> None:
        self.bodies = bodies
        self._parser = EventStreamParser()
        self._events: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        """Return the data of the next message."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not self._events:
                parsed = self._parser.feed((await anext(self.bodies)).encode())
                self._events += [json.loads(event.data) for event in parsed if event.data]
        return self._events.pop(0)

    async def is_quiet(self) -> bool:
        """Return whether the stream neither says nor does anything for a while."""
        reading = asyncio.ensure_future(anext(self.bodies))
        done, _ = await asyncio.wait([reading], timeout=QUIET_SECONDS)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        return not done


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


def running(before: set[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    """Return our tasks that run now and did not before."""
    return [task for task in asyncio.all_tasks() - before if "taskstatus" in repr(task)]


async def test_a_stream_is_live(open_stream: OpenStream, task: TaskDriver) -> None:
    """The snapshot comes first, then each message as it is published, the end among them."""
    task.started()
    async with open_stream(task) as stream:
        assert (await stream.next())["state"] == "STARTED"
        task.log("a line")
        assert (await stream.next())["message"] == "a line"
        task.success()
        assert (await stream.next())["state"] == "SUCCESS"


async def test_a_stream_rests_once_the_task_has_ended(
    open_stream: OpenStream, task: TaskDriver
) -> None:
    """At the end there is nothing left to do, however the stream has come there."""
    task.started()
    async with open_stream(task) as stream:
        await stream.next()
        task.success()
        end = await stream.next()
        while not await stream.is_quiet():
            pass
    async with open_stream(task, last_id=end["cursor"]) as stream:
        assert "stream-open" in await anext(stream.bodies)
        assert await stream.is_quiet()


async def test_streams_of_one_task_share_a_relay(open_stream: OpenStream, task: TaskDriver) -> None:
    """Each has all messages, and the task is followed once."""
    task.started()
    before = asyncio.all_tasks()
    async with open_stream(task) as one, open_stream(task) as two:
        assert await one.next() == await two.next()
        task.custom("CLEANUP")
        assert await one.next() == await two.next()
        assert len([task for task in running(before) if "_Relay" in repr(task)]) == 1


class FlakyStore:
    """Fails a number of reads, then gives what the store gives."""

    def __init__(self, store: Store) -> None:
        self.failures = 0
        self._store = store

    def read(
        self, task_id: str, after: int | None = None, *, newer: bool = False
    ) -> Reading | None:
        """See Store.read()."""
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable
        return self._store.read(task_id, after, newer=newer)


async def test_a_stream_survives_an_outage_of_the_store(
    open_stream: OpenStream,
    task: TaskDriver,
    store: RedisStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What could not be read when it came is read once the store is back, without more news."""
    flaky = FlakyStore(store)
    monkeypatch.setattr(storage, "get_store", lambda: flaky)
    task.started()
    async with open_stream(task) as stream:
        await stream.next()
        flaky.failures = 3
        task.success()
        assert (await stream.next())["state"] == "SUCCESS"
    assert not flaky.failures


async def test_a_stream_hears_of_a_task_that_begins_later(
    open_stream: OpenStream, task: TaskDriver
) -> None:
    """A stream of an unknown task carries it once it is known."""
    async with open_stream(task) as stream:
        assert "stream-open" in await anext(stream.bodies)
        task.pending()
        assert (await stream.next())["state"] == "PENDING"


async def test_a_stream_that_lost_its_position_goes_on_with_the_snapshot(
    open_stream: OpenStream, task: TaskDriver
) -> None:
    """After the reset comes the current status, without more news."""
    task.started()
    async with open_stream(task, last_id="17") as stream:
        assert await stream.next() == {"channels": [channel_of(task.task_id)]}
        assert (await stream.next())["state"] == "STARTED"


async def test_a_stream_ends_when_its_token_does(
    open_stream: OpenStream, task: TaskDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """News after the end of the access are not told."""
    task.started()
    async with open_stream(task) as stream:
        await stream.next()
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 100_000)
        task.log("secret")
        assert (await stream.next())["condition"] == "forbidden"
