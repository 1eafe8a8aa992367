"""What a client asks for, from an ASGI scope: a value, or a bad request."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstatus.exceptions import BadRequest
from taskstatus.requests import (
    BundleRequest,
    StreamRequest,
    bearer_token,
    headers_of,
    parse_query,
)


def scope(
    query: str | bytes = "", *headers: tuple[str, str], kind: str = "http", task_id: str = "an id"
) -> dict[str, Any]:
    """Return the scope of a connection, as the router hands it to a consumer."""
    return {
        "type": kind,
        "query_string": query if isinstance(query, bytes) else query.encode(),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "url_route": {"kwargs": {"task_id": task_id}},
    }


def ask(*args: Any, last_event_id: bool = False, **kwargs: Any) -> StreamRequest:
    """Return what such a scope asks for."""
    return StreamRequest.from_scope(scope(*args, **kwargs), last_event_id=last_event_id)


def test_everything_is_optional() -> None:
    """A bare URL asks for a snapshot and the states that follow."""
    assert ask() == StreamRequest(
        task_id="an id",
        after=None,
        types=frozenset({"status"}),
        token="",
        wait=25.0,
        heartbeat=False,
    )


def test_everything_can_be_asked_for() -> None:
    """Each parameter is read, percent-encoding and all."""
    assert ask("after=7&types=status%2Clog&token=a%3Ab&wait=2.5&heartbeat=1") == StreamRequest(
        task_id="an id",
        after=7,
        types=frozenset({"status", "log"}),
        token="a:b",
        wait=2.5,
        heartbeat=True,
    )


def test_other_parameters_are_ignored() -> None:
    """A cache buster or a future parameter harms nobody, given twice or blank."""
    assert ask("_=1&_=2&x=&after=7").after == 7


@pytest.mark.parametrize(
    "query",
    [
        "after=",
        "after=x",
        "after=-1",
        "after=7&after=8",
        "after=%FF",
        "types=",
        "types=reset",
        "types=status&types=log",
        "token=a&token=b",
        "wait=",
        "wait=soon",
        "wait=-1",
        "wait=60.1",
        "wait=1e1",
        "wait=nan",
        "wait=inf",
        "wait=1_0",
        "wait=%D9%A1",
        "wait= 5",
        "heartbeat=",
        "heartbeat=yes",
        "heartbeat=2",
        b"after=\xff",
        "&".join(f"x{number}=1" for number in range(100)),
    ],
)
def test_bad_value_is_a_bad_request(query: str | bytes) -> None:
    """What can't be meant is refused, whatever the transport."""
    for kind in ("http", "websocket"):
        with pytest.raises(BadRequest):
            ask(query, kind=kind)


@given(st.binary(max_size=60))
def test_any_query_string_is_understood_or_refused(query: bytes) -> None:
    """No query string can do worse than to be refused."""
    try:
        request = ask(query)
    except BadRequest:
        return
    assert 0 <= request.wait <= 60


@pytest.mark.parametrize(("query", "seconds"), [("0", 0), ("60", 60), ("0.5", 0.5), ("25.0", 25)])
def test_wait_is_a_number_of_seconds(query: str, seconds: float) -> None:
    """From an answer at once to a minute."""
    assert ask(f"wait={query}").wait == seconds


@pytest.mark.parametrize("task_id", ["", "x" * 256, "a\nb"])
def test_malformed_id_is_a_bad_request(task_id: str) -> None:
    """The id is looked at before all else."""
    with pytest.raises(BadRequest, match="task id"):
        ask(task_id=task_id)


def test_last_event_id_wins_where_it_counts() -> None:
    """An EventSource that reconnects sends its cursor in a header, on SSE alone."""
    header = ("Last-Event-ID", "9")
    assert ask("after=7", header, last_event_id=True).after == 9
    assert ask("", header, last_event_id=True).after == 9
    assert ask("after=7", last_event_id=True).after == 7
    assert ask("after=7", header).after == 7
    assert ask("after=7", header, kind="websocket", last_event_id=True).after == 7


def test_malformed_last_event_id_is_a_bad_request() -> None:
    """A header is no better than a parameter."""
    with pytest.raises(BadRequest):
        ask("", ("last-event-id", "c1:abc"), last_event_id=True)


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("BEARER abc", "abc"),
        ("Basic abc", ""),
        ("Bearer", ""),
        ("abc", ""),
        ("", ""),
    ],
)
def test_token_may_come_in_a_header(value: str, token: str) -> None:
    """The scheme's name is not case-sensitive; other schemes are none of ours."""
    assert bearer_token({"authorization": value}) == token
    assert ask("", ("Authorization", value)).token == token
    assert ask("token=xyz", ("Authorization", value)).token == "xyz"


def test_headers_are_folded() -> None:
    """Names are lower-cased and repeated ones are joined, as HTTP says."""
    folded = headers_of(scope("", ("Accept", "a"), ("accept", "b"), ("X-É", "é")))
    assert folded == {"accept": "a,b", "x-é": "é"}


def ask_for_several(*args: Any, last_event_id: bool = False, **kwargs: Any) -> BundleRequest:
    """Return what the scope of a connection for several tasks asks for."""
    return BundleRequest.from_scope(scope(*args, **kwargs), last_event_id=last_event_id)


def test_several_tasks_can_be_asked_for() -> None:
    """Each with a place of its own; tokens are for whichever they fit."""
    query = "task=a&task=b~7&task=c~d~&token=s&token=&token=t&types=log&wait=5&heartbeat=1"
    assert ask_for_several(query, ("Authorization", "Bearer u")) == BundleRequest(
        tasks=("a", "b", "c~d"),
        places=(0, 7, 0),
        types=frozenset({"log"}),
        tokens=("s", "t", "u"),
        wait=5.0,
        heartbeat=True,
    )


def test_position_wins_over_the_places_of_the_tasks() -> None:
    """And the header over both, where it counts."""
    header = ("Last-Event-ID", "x.9")
    query = "task=a~1&task=b~2&after=7.x"
    assert ask_for_several(query).places == (7, -1)
    assert ask_for_several(query, header).places == (7, -1)
    assert ask_for_several(query, header, last_event_id=True).places == (-1, 9)


def test_websocket_names_its_tasks_later() -> None:
    """What stands in its query for them is ignored; the rest holds for all of them."""
    request = ask_for_several("task=a&task=a&after=x&token=t&types=log", kind="websocket")
    assert (request.tasks, request.places, request.tokens) == ((), (), ("t",))
    assert request.types == frozenset({"log"})


@pytest.mark.parametrize(
    "query",
    [
        "",
        "after=1",
        "task=",
        "task=a&task=a~1",
        "task=a~x",
        "task=a%00",
        "task=a&after=1.2",
        "task=a&after=",
        "task=a&after=1&after=1",
        "task=a&types=x",
        "task=a&wait=-1",
        "&".join(f"task=t{number}" for number in range(101)),
    ],
)
def test_request_for_several_tasks_is_good_as_a_whole_or_refused(query: str) -> None:
    """One bad value is enough."""
    with pytest.raises(BadRequest):
        ask_for_several(query)


def test_hundred_tasks_and_a_token_for_each_can_be_asked_for() -> None:
    """The number of fields is bounded, but not so."""
    query = "&".join(f"task=t{number}&token=k{number}" for number in range(100))
    request = ask_for_several(f"{query}&types=status&heartbeat=1")
    assert (len(request.tasks), len(request.tokens)) == (100, 100)


@given(st.binary(max_size=60))
def test_any_query_string_for_several_is_understood_or_refused(query: bytes) -> None:
    """No query string can do worse than to be refused."""
    try:
        request = ask_for_several(b"task=" + query)
    except BadRequest:
        return
    assert len(request.tasks) == len(request.places)


@given(st.text(st.sampled_from("ab=&%+;2C0fé"), max_size=30))
def test_a_query_is_read_as_the_standard_library_reads_it(query: str) -> None:
    """Every field and every blank, and the same refusals."""
    try:
        expected = parse_qs(query, keep_blank_values=True, errors="strict", max_num_fields=5)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
            parse_query(query, most=5)
    else:
        assert parse_query(query, most=5) == expected
