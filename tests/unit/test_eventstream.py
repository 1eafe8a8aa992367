"""Events as bytes, positions in requests, and who may read a channel."""

from __future__ import annotations

import json
import re
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory
from django.utils.module_loading import import_string
from django_eventstream.channelmanager import ChannelManagerBase
from django_eventstream.eventrequest import EventRequest

from taskstatus import eventstream
from taskstatus.access import make_token
from taskstatus.eventstream.channels import TaskChannelManager
from taskstatus.eventstream.names import channel_of, task_id_of
from taskstatus.messages import Message
from taskstatus.testing import TaskDriver
from tests.harness.clients.event_stream import EventStreamParser

if TYPE_CHECKING:
    from django.http import HttpRequest
    from pytest_django.fixtures import Settings

MANAGER = "taskstatus.eventstream.channels.TaskChannelManager"


def a_message(version: int = 7, *, text: str = "naïve") -> Message:
    """Return a status of no task in particular."""
    body = json.dumps({"type": "status", "version": version, "error": text}, ensure_ascii=False)
    return Message("status", "STARTED", version, version - 1, body)


def test_an_event_is_type_id_and_data() -> None:
    """A message becomes exactly the lines of PROTOCOL §5, and a blank one."""
    message = a_message()
    assert eventstream.encode([message]) == (
        f"event: status\nid: 7\ndata: {message.json}\n\n".encode()
    )


@pytest.mark.parametrize("text", ["", "\n", "\r\n\r\n", "\u2028", "data: x", "🙂", "\\n", "\0"])
def test_an_event_parses_back_to_the_message(text: str) -> None:
    """Whatever the text, a parser by the standard gets the very JSON, in one event."""
    message = a_message(text=text)
    (event,) = EventStreamParser().feed(eventstream.encode([message]))
    assert (event.type, event.last_event_id, event.data) == ("status", "7", message.json)


def test_messages_come_in_order_and_each_is_encoded_once() -> None:
    """The bytes made for the first client are those that all others get."""
    first, second = a_message(1), a_message(2)
    body = eventstream.encode([first, second])
    assert body == eventstream.encode([first]) + eventstream.encode([second])
    first.json = "never read again"
    assert eventstream.encode([first, second]) == body


def test_an_event_may_have_a_position_as_its_id() -> None:
    """All else is as ever, however often, and whatever the message holds."""
    message = a_message(text="\nid: 9\ndata: x")
    for position in (b"7.0.x", b"8"):
        assert eventstream.encode_at(message, position) == (
            b"event: status\nid: " + position + f"\ndata: {message.json}\n\n".encode()
        )
    assert eventstream.encode([message]).startswith(b"event: status\nid: 7\n")


def test_a_problem_is_an_event_with_a_position() -> None:
    """A browser that comes back must not be told of it again."""
    (event,) = EventStreamParser().feed(eventstream.encode_problem('{"a":1}', b"x.7"))
    assert (event.type, event.last_event_id, event.data) == ("problem", "x.7", '{"a":1}')


def test_what_is_no_message_leaves_the_position_alone() -> None:
    """The opening sets the time to reconnect; neither it nor a sign of life has an id."""
    parser = EventStreamParser()
    assert parser.feed(eventstream.opening(1234) + eventstream.KEEPALIVE) == []
    assert parser.retry == 1234
    (heartbeat,) = parser.feed(eventstream.HEARTBEAT)
    assert (heartbeat.type, heartbeat.has_id) == ("heartbeat", False)
    assert json.loads(heartbeat.data) == {"type": "heartbeat"}


@pytest.mark.parametrize("task_id", ["a", "task-a", "a:b,c%3A d/é", "x" * 255])
def test_a_channel_names_its_task(task_id: str) -> None:
    """Any task id survives the way into a channel's name and back."""
    assert task_id_of(channel_of(task_id)) == task_id


def test_other_channels_name_no_task() -> None:
    """A site's own channel is told apart by its name."""
    assert task_id_of("news") is None


def stream_request(task_id: str, query: str = "", **headers: Any) -> EventRequest:
    """Return what django-eventstream makes of a request for a task's stream, with a good token."""
    request = get(f"token={make_token(task_id)}&{query}", **headers)
    return EventRequest(request, view_kwargs={"task_id": task_id})


def get(query: str, *, user: object = None, **headers: Any) -> HttpRequest:
    """Return a GET request."""
    request = RequestFactory().get(f"/?{query}", headers=headers)
    request.user = user or AnonymousUser()  # type: ignore[assignment]
    return request


@pytest.fixture(autouse=True)
def _adapters(settings: Settings) -> None:
    """Let django-eventstream use our channel manager."""
    settings.EVENTSTREAM_CHANNELMANAGER_CLASS = MANAGER


@pytest.mark.parametrize("task_id", ["a", "a:b,c%3A d/é"])
def test_a_stream_begins_with_the_snapshot(task_id: str) -> None:
    """A request that names no position gets the one before the snapshot, not "from now on"."""
    event_request = stream_request(task_id)
    assert event_request.channels == {f"task-{task_id}"}
    assert event_request.channel_last_ids == {f"task-{task_id}": "0"}


@pytest.mark.parametrize(
    ("query", "headers", "position"),
    [
        ("", {"Last-Event-ID": "task-a:7"}, "7"),
        ("lastEventId=task-a:7", {}, "7"),
        ("lastEventId=task-a:6&lastEventId=task-a:7&lastEventId=", {}, "7"),
        ("lastEventId=task-a:6", {"Last-Event-ID": "task-a:7"}, "7"),
        ("lastEventId=task-b:6", {}, "0"),
        ("lastEventId=task%252Da:7", {}, "7"),
    ],
)
def test_a_position_is_taken_from_the_request(
    query: str, headers: dict[str, str], position: str
) -> None:
    """As in django-eventstream: the header wins, then the last parameter that is not empty."""
    assert stream_request("a", query, **headers).channel_last_ids == {"task-a": position}


@pytest.mark.parametrize(
    "position",
    ["task-a", "7", "task-a:", "task-a:x", "task-a:-1", "task-a:٣", "task-a:1e3", "a:b:1"],
)
def test_a_malformed_position_is_refused(position: str) -> None:
    """What is no position is an error of the request, found before there is a response."""
    with pytest.raises(EventRequest.Error):
        stream_request("a", f"lastEventId={position}")


def test_a_stream_that_ended_in_an_error_is_not_resumed() -> None:
    """django-eventstream's own answer to the id of an error stays as it is."""
    with pytest.raises(EventRequest.ResumeNotAllowedError):
        stream_request("a", **{"Last-Event-ID": "error"})


def test_recovering_is_for_proxies() -> None:
    """``recover=true`` without the GRIP middleware is an error of the request."""
    with pytest.raises(EventRequest.Error):
        stream_request("a", "recover=true")


@pytest.mark.parametrize("task_id", ["", "x" * 256, "a\n", "a\x00"])
def test_a_malformed_task_id_is_refused(task_id: str) -> None:
    """What can be no task id is an error of the request."""
    with pytest.raises(EventRequest.Error):
        EventRequest(get(""), view_kwargs={"task_id": task_id})


def test_too_many_channels_are_refused_before_the_policy_is_asked(settings: Settings) -> None:
    """A long list costs no more than the refusal."""
    settings.TASKSTATUS_ACCESS_POLICY = "tests.no_such_policy"
    names = "&".join(f"channel=task-{number}" for number in range(11))
    with pytest.raises(EventRequest.Error, match="limit"):
        EventRequest(get(names))


def may_read(task_id: str, request: HttpRequest) -> bool:
    """Return whether a request gets to a task's events, as django-eventstream decides it."""
    manager = TaskChannelManager()
    (channel,) = manager.get_channels_for_request(request, {"task_id": task_id})
    return manager.can_read_channel(None, channel)


def test_channels_are_closed_by_default() -> None:
    """Without a token or a user, and with a token for another task, nothing may be read."""
    assert not may_read("a", get(""))
    assert not may_read("a", get(f"token={make_token('b')}"))
    assert not may_read("a", get("token=forged"))


def test_a_token_opens_its_task_s_channel() -> None:
    """The token comes in the query or in the header, as on every transport."""
    assert may_read("a", get(f"token={make_token('a')}"))
    assert may_read("a", get("", Authorization=f"Bearer {make_token('a')}"))


def test_access_ends_with_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is open when its token ends reads no further."""
    manager = TaskChannelManager()
    request = get(f"token={make_token('a', max_age=60)}")
    (channel,) = manager.get_channels_for_request(request, {"task_id": "a"})
    assert manager.can_read_channel(None, channel)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert not manager.can_read_channel(None, channel)


def test_the_owner_may_read_by_session_and_by_name() -> None:
    """A user reads the tasks of their own, and django-eventstream may ask so without a request."""
    owner, other = User(pk=41, is_active=True), User(pk=42, is_active=False)
    task_id = str(uuid.uuid4())
    TaskDriver(task_id, owner="41").pending()
    assert may_read(task_id, get("", user=owner))
    assert not may_read(task_id, get("", user=other))
    manager = TaskChannelManager()
    assert manager.can_read_channel(owner, channel_of(task_id))
    assert not manager.can_read_channel(other, channel_of(task_id))
    assert not manager.can_read_channel(None, channel_of(task_id))


class SiteChannels(ChannelManagerBase):  # type: ignore[misc]
    """A site's own manager."""

    def get_channels_for_request(self, request: HttpRequest, view_kwargs: object) -> set[str]:
        """Return the news and a task."""
        return {"news", "task-a"}

    def can_read_channel(self, user: object, channel: str) -> bool:
        """Open all."""
        return True

    def is_channel_reliable(self, channel: str) -> bool:
        """Keep nothing."""
        return False


class BothChannels(TaskChannelManager):
    """Tasks and the site's own."""

    others = SiteChannels()


def test_a_site_s_own_channels_are_its_own_manager_s() -> None:
    """Beside the tasks' channels, which stay closed, the site's manager decides on its own ones."""
    manager = BothChannels()
    channels = manager.get_channels_for_request(get(""), {})
    readable = {channel for channel in channels if manager.can_read_channel(None, channel)}
    assert (channels, readable) == ({"news", "task-a"}, {"news"})
    assert not manager.is_channel_reliable("news")
    assert manager.is_channel_reliable("task-a")


def test_channels_that_are_nobody_s_are_closed() -> None:
    """Without a manager of the site's own, a channel that is no task's is closed and unkept."""
    manager = TaskChannelManager()
    assert not manager.can_read_channel(None, "news")
    assert not manager.is_channel_reliable("news")


def test_the_documentation_names_what_there_is() -> None:
    """Every dotted path in docs/eventstream.md leads somewhere."""
    page = (Path(__file__).parents[2] / "docs" / "eventstream.md").read_text()
    paths = set(re.findall(r"taskstatus\.eventstream\.\w+\.\w+", page))
    assert len(paths) == 3
    for path in paths:
        import_string(path)
