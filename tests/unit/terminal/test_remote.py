"""A task followed by its URL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from taskstatus.exceptions import AlreadyFinished, BadRequest, UnknownTask
from taskstatus.terminal.address import StreamAddress
from taskstatus.terminal.patience import OutOfPatience, Patience
from taskstatus.terminal.poll import Forbidden, LongPoll, NoStream
from taskstatus.terminal.remote import RemoteFollower
from taskstatus.terminal.view import LineView
from tests.unit.terminal.scripted_server import (
    Answer,
    batch,
    problem,
    scripted_server,
    status,
)

if TYPE_CHECKING:
    from tests.unit.terminal.scripted_server import ScriptedServer

NOTHING = Answer(code=204)
LOST = Answer(code=0)


class Seen(LineView):
    """A view that keeps what it is shown."""

    def __init__(self) -> None:
        self.versions: list[int] = []
        self.notes: list[str] = []

    def show(self, text: str) -> None:
        """See View.show()."""
        self.versions.append(json.loads(text)["version"])

    def note(self, text: str) -> None:
        """See View.note()."""
        self.notes.append(text)


class Following:
    """One run of a follower in which no time passes."""

    def __init__(self, url: str, *, token: str = "", seconds: float = 1_000) -> None:
        self.seen = Seen()
        self.sleeps: list[float] = []
        self._now = 0.0
        patience = Patience(
            seconds, note=self.seen.note, sleep=self._sleep, clock=lambda: self._now
        )
        self._follower = RemoteFollower(
            StreamAddress.from_url(url, token=token), self.seen, patience, sleep=self._sleep
        )

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self._now += seconds

    def to_the_end(self) -> str:
        """Follow."""
        return self._follower.follow()


def follow(server: ScriptedServer) -> Following:
    """Return what was seen of a task that could be followed to its end."""
    following = Following(server.url)
    following.to_the_end()
    return following


def test_a_task_is_followed_from_batch_to_batch() -> None:
    """Each request goes on after the cursor of the answer before."""
    answers = [
        batch(status(5, "PENDING")),
        NOTHING,
        batch(status(7, "STARTED"), status(9, "SUCCESS")),
    ]
    with scripted_server(*answers) as server:
        following = Following(server.url)
        assert following.to_the_end() == "SUCCESS"
    assert following.seen.versions == [5, 7, 9]
    assert [request.query.get("after") for request in server.requests] == [None, "5", "5"]
    assert {request.query["types"] for request in server.requests} == {"status,log"}


@pytest.mark.parametrize(
    "trouble", [LOST, problem(503, "store_unavailable"), problem(429, "too_many"), Answer(code=502)]
)
def test_trouble_on_the_way_loses_nothing_and_repeats_nothing(trouble: Answer) -> None:
    """The next try asks for what comes after the last cursor."""
    answers = [batch(status(5, "STARTED")), trouble, trouble, batch(status(6, "SUCCESS"))]
    with scripted_server(*answers) as server:
        following = follow(server)
    assert following.seen.versions == [5, 6]
    assert [request.query.get("after") for request in server.requests][1:] == ["5", "5", "5"]
    assert len(following.seen.notes) == 2
    assert len([seconds for seconds in following.sleeps if seconds]) == 2


def test_the_server_says_when_to_come_back() -> None:
    """Its Retry-After is obeyed."""
    answers = [problem(503, "store_unavailable", Retry_After="7"), batch(status(1, "SUCCESS"))]
    with scripted_server(*answers) as server:
        following = follow(server)
    assert following.sleeps[0] >= 7


def test_what_was_shown_is_not_shown_again() -> None:
    """Not even if a server repeats itself."""
    answers = [
        batch(status(5, "STARTED")),
        batch(status(4, "PENDING"), status(5, "STARTED"), status(6, "SUCCESS")),
    ]
    with scripted_server(*answers) as server:
        assert follow(server).seen.versions == [5, 6]


def test_a_hole_is_told_of() -> None:
    """When a server can't resume, its snapshot is shown and said to be one."""
    answers = [batch(status(5, "STARTED")), batch(status(3, "SUCCESS", reset=True))]
    with scripted_server(*answers) as server:
        following = follow(server)
    assert following.seen.versions == [5, 3]
    assert "no longer kept" in following.seen.notes[0]


def test_answers_that_say_nothing_are_not_asked_for_in_a_hurry() -> None:
    """A server that is about to stop answers at once; there is a pause then."""
    answers = [batch(status(5, "STARTED")), NOTHING, NOTHING, batch(status(6, "SUCCESS"))]
    with scripted_server(*answers) as server:
        assert follow(server).sleeps == [1, 1]


def test_a_task_that_has_ended_before_is_shown() -> None:
    """The cursor in a URL may be the last one: the server then repeats the end."""
    with scripted_server(batch(status(6, "FAILURE"))) as server:
        following = Following(f"{server.url}?after=6")
        assert following.to_the_end() == "FAILURE"
    assert server.requests[0].query["after"] == "6"


def test_the_token_goes_in_a_header() -> None:
    """URLs end up in logs."""
    with scripted_server(batch(status(1, "SUCCESS"))) as server:
        Following(f"{server.url}?token=T").to_the_end()
    assert server.requests[0].authorization == "Bearer T"
    assert "token" not in server.requests[0].query


def test_the_token_goes_in_the_query_where_the_header_is_taken() -> None:
    """A URL with a password needs the header for that."""
    with scripted_server(batch(status(1, "SUCCESS"))) as server:
        url = server.url.replace("http://", "http://me:secret@")
        Following(url, token="T").to_the_end()
    assert str(server.requests[0].authorization).startswith("Basic ")
    assert server.requests[0].query["token"] == "T"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(404, "unknown_task"), UnknownTask),
        (Answer(code=404, body=b"<html>"), NoStream),
        (problem(403, "forbidden"), Forbidden),
        (Answer(code=401), Forbidden),
        (problem(400, "bad_request"), BadRequest),
        (Answer(code=410), NoStream),
        (Answer(code=200, body=b"<html>login</html>"), NoStream),
        (Answer(code=200, body=b"[]"), NoStream),
        (Answer(code=200, body=b'{"messages": [{}], "cursor": "1", "ready": false}'), NoStream),
        (Answer(code=200, body=b'{"messages": [], "cursor": "1", "ready": true}'), NoStream),
        (Answer(code=302, headers={"Location": "/poll/task_status/t/"}), NoStream),
    ],
)
def test_a_refusal_is_final(answer: Answer, error: type[Exception]) -> None:
    """Asking again would change nothing."""
    with scripted_server(answer) as server, pytest.raises(error) as raised:
        follow(server)
    assert "Traceback" not in str(raised.value)


@pytest.mark.parametrize("password", ["", "me:secret@"])
def test_a_task_is_asked_to_stop_where_its_stream_is(password: str) -> None:
    """By the URL beside it, with the same token."""
    with scripted_server(Answer(code=202, body=b"{}")) as server:
        url = server.url.replace("http://", f"http://{password}")
        with LongPoll(StreamAddress.from_url(url, token="T")) as poll:
            poll.cancel()
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/task_status/t/cancel/")
    by_query = {"token": "T"} if password else {}
    assert request.query == by_query
    assert str(request.authorization).startswith("Basic " if password else "Bearer T")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(409, "already_finished"), AlreadyFinished),
        (problem(403, "forbidden"), Forbidden),
        (problem(404, "unknown_task"), UnknownTask),
        (problem(503, "store_unavailable"), NoStream),
        (Answer(code=200, body=b"<html>login</html>"), NoStream),
        (LOST, NoStream),
    ],
)
def test_why_a_task_is_not_asked_to_stop_is_told(answer: Answer, error: type[Exception]) -> None:
    """Nobody is left to believe that it stops."""
    with scripted_server(answer) as server:
        address = StreamAddress.from_url(server.url, token="T")
        with LongPoll(address) as poll, pytest.raises(error):
            poll.cancel()


def test_a_refusal_names_the_host_and_the_reason() -> None:
    """As the server gave it."""
    with scripted_server(problem(403, "forbidden")) as server:
        with pytest.raises(Forbidden, match="It is forbidden") as raised:
            follow(server)
        assert server.host in str(raised.value)


def test_a_server_that_is_not_there_is_given_up() -> None:
    """With the host in the message, and no URL: that may hold a token."""
    with scripted_server(NOTHING) as server:
        url = f"{server.url}?token=secret"
    with pytest.raises(OutOfPatience, match=server.host) as raised:
        Following(url).to_the_end()
    assert "secret" not in str(raised.value)
