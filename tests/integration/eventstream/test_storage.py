"""Our log on a real Redis, as django-eventstream's functions read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory
from django_eventstream import EventPermissionError, get_current_event_id, get_events, send_event
from django_eventstream.event import Event
from django_eventstream.storage import EventDoesNotExist, StorageBase

from taskstatus.eventstream.names import channel_of
from taskstatus.eventstream.storage import TaskStorage
from taskstatus.eventstream.views import events
from taskstatus.stores import get_store
from taskstatus.stores.redis import RedisStore
from tests.integration.eventstream.stream import event_request

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from taskstatus.testing import TaskDriver

#: A store that does not answer.
NOWHERE = "redis://127.0.0.1:1/0"


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
