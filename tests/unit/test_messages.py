"""The wire messages: strict JSON, the same bytes from every writer, and what clients may send."""

from __future__ import annotations

import enum
import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstatus.exceptions import BadRequest
from taskstatus.messages import (
    MAX_LINE_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Message,
    encode,
    encode_result,
    log_body,
    log_json,
    parse_cursor,
    parse_task_id,
    parse_types,
    status_json,
    text,
    timestamp,
)
from tests.harness.clients import strict_json

KEYS = [
    "type",
    "task_id",
    "name",
    "state",
    "ready",
    "cursor",
    "version",
    "progress",
    "result",
    "error",
    "error_type",
    "retries",
    "stalled",
    "created_at",
    "started_at",
    "updated_at",
    "finished_at",
    "parent_id",
    "root_id",
    "group_id",
]


class Hostile:
    """An object that can't even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no text for you")


class Colour(enum.StrEnum):
    """A string that is more than a string."""

    RED = "red"


def circle() -> list[Any]:
    """Return a list that holds itself."""
    ring: list[Any] = []
    ring.append(ring)
    return ring


def well(depth: int = 100_000) -> list[Any]:
    """Return a list that is nested too deep for any encoder."""
    bottom: list[Any] = []
    for _ in range(depth):
        bottom = [bottom]
    return bottom


def test_status_has_every_key_of_the_protocol_in_order() -> None:
    """What is unknown is null, false or 0, never absent."""
    status = json.loads(status_json("an id", "PENDING", 7, {}))
    assert list(status) == KEYS
    assert (status["version"], status["cursor"], status["retries"]) == (7, "7", 0)
    assert status["ready"] is False
    assert status["stalled"] is False
    assert status["name"] is None


def test_status_shows_its_fragments() -> None:
    """A fragment is put in as it is."""
    fields = {"name": '"a.b"', "progress": '{"current":1}', "result_omitted": '"not-json"'}
    status = json.loads(status_json("id", "SUCCESS", 7, fields))
    assert status["progress"] == {"current": 1}
    assert status["result_omitted"] == "not-json"
    assert status["ready"] is True


@given(task_id=st.text(), state=st.text(), line=st.text(), level=st.text())
def test_any_text_makes_strict_json(task_id: str, state: str, line: str, level: str) -> None:
    """Whatever people write, the message is one line of valid JSON in UTF-8."""
    for message in (
        status_json(task_id, state, 1, {}),
        log_json(task_id, 1, log_body(line, level=level, at=timestamp())),
    ):
        strict_json.loads(message.encode().decode())
        assert "\n" not in message


def test_log_message_has_the_keys_of_the_protocol() -> None:
    """A line says what, how grave, and when."""
    message = json.loads(log_json("id", 7, log_body("hello", level="info", at="2026-01-01")))
    assert message == {
        "type": "log",
        "task_id": "id",
        "cursor": "7",
        "version": 7,
        "level": "info",
        "message": "hello",
        "at": "2026-01-01",
    }


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ({"a": [1, 2.5, None, True, "é"]}, '{"a":[1,2.5,null,true,"é"]}'),
        ((1, (2,)), "[1,[2]]"),
        (None, "null"),
        (math.nan, "null"),
        ([math.inf, {"a": -math.inf}], '[null,{"a":null}]'),
        ({math.nan: 1}, '{"null":1}'),
        ("\ud800 and \udfff", '"\ufffd and \ufffd"'),
        ({1: "one"}, '{"1":"one"}'),
        (Colour.RED, '"red"'),
        ("a\x00b\u2028", '"a\\u0000b\u2028"'),
    ],
)
def test_value_is_encoded_as_strict_json(value: object, encoded: str) -> None:
    """What JSON has no word for becomes null, and broken text is mended."""
    assert encode(value) == encoded


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}, datetime.now(UTC), Hostile(), 1j])
def test_result_that_is_not_json_is_left_out(value: object) -> None:
    """The task has succeeded all the same; its result is just not shown."""
    assert encode_result(value, max_bytes=1_000) == ("null", '"not-json"')


@pytest.mark.parametrize(
    "value",
    [circle(), well(), 10**5_000, [math.nan, 10**5_000]],
    ids=["circle", "well", "number", "number-and-nan"],
)
def test_result_that_no_encoder_takes_is_left_out(value: object) -> None:
    """Circles, wells and endless numbers are no JSON either."""
    assert encode_result(value, max_bytes=10**9) == ("null", '"not-json"')


@pytest.mark.parametrize(("value", "size"), [("é" * 10, 22), ("a" * 20, 22), ([1] * 10, 21)])
def test_result_is_measured_in_bytes(value: object, size: int) -> None:
    """The limit is that of the wire: UTF-8, quotes and commas included."""
    assert encode_result(value, max_bytes=size)[1] == ""
    assert encode_result(value, max_bytes=size - 1) == ("null", '"too-large"')


def test_text_is_cut_and_mended() -> None:
    """A message of any length and kind becomes a text that fits."""
    assert text("plain") == "plain"
    assert text(ValueError("why")) == "why"
    assert text("a\ud800") == "a\ufffd"
    long = text("x" * 10_000)
    assert len(long) == MAX_TEXT_CHARACTERS
    assert long.endswith("…")
    assert text("x" * MAX_TEXT_CHARACTERS) == "x" * MAX_TEXT_CHARACTERS


def test_text_of_a_hostile_object_is_its_type() -> None:
    """An exception whose ``__str__`` fails must not make us fail."""
    assert text(Hostile()) == "<Hostile>"


def test_line_may_be_longer_than_other_texts() -> None:
    """Lines of a log are cut later than an error or a progress message."""
    body = json.loads("{" + log_body("x" * 10**6, level="info", at=""))
    assert len(body["message"]) == MAX_LINE_CHARACTERS


def test_times_are_utc_to_the_microsecond() -> None:
    """Every time has the same form, whatever zone it came in."""
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(at) == "2026-01-02T01:04:05.000000Z"
    assert datetime.fromisoformat(timestamp()).tzinfo == UTC


def test_message_knows_its_cursor_and_what_it_is() -> None:
    """The end, an interim state, and a line are told apart."""
    end = Message("status", "SUCCESS", 5, 4, "{}")
    line = Message("log", "", 6, 5, "{}")
    interim = Message("status", "PARSING", 7, 6, "{}")
    assert (end.cursor, end.ready, end.interim) == ("5", True, False)
    assert (line.ready, line.interim) == (False, False)
    assert (interim.ready, interim.interim) == (False, True)
    assert repr(end) == "<Message status SUCCESS 5 after 4>"


def test_reset_is_the_same_status_with_a_mark() -> None:
    """Only the mark is new, and the message that others get is untouched."""
    message = Message("status", "STARTED", 5, 4, status_json("id", "STARTED", 5, {}))
    before = message.json
    reset = message.as_reset()
    assert json.loads(reset.json) == {**json.loads(before), "reset": True}
    assert message.json == before


@pytest.mark.parametrize("value", ["a", "x" * 255, "ünï ✓", "a/b%2F", "🚀" * 255, " "])
def test_task_id_may_be_any_text(value: str) -> None:
    """Celery takes any string as an id, and so do we."""
    assert parse_task_id(value) == value


@pytest.mark.parametrize("value", ["", "x" * 256, "a\n", "\x00", "a\x7f", "\x85", "\ud800"])
def test_task_id_has_a_length_and_no_control_characters(value: str) -> None:
    """What can't be an id is refused before anything is asked."""
    with pytest.raises(BadRequest):
        parse_task_id(value)


@pytest.mark.parametrize("value", ["0", "7", "1790000000000000", "0007", "9" * 16])
def test_cursor_names_a_version(value: str) -> None:
    """A cursor of ours is a number."""
    assert parse_cursor(value) == int(value)


@pytest.mark.parametrize("value", ["", "a", "-1", "1.0", "1\n", " 1", "\u0661", "9" * 17, "1:2"])
def test_what_was_never_a_cursor_is_refused(value: str) -> None:
    """Anything else is a mistake of the client's."""
    with pytest.raises(BadRequest):
        parse_cursor(value)


def test_types_are_a_list() -> None:
    """A client names the types that it wants, in any order, with or without spaces."""
    assert parse_types("status") == {"status"}
    assert parse_types("log, status,log") == {"status", "log"}


@pytest.mark.parametrize("value", ["", "status,", "Status", "status;log", "reset"])
def test_unknown_types_are_refused(value: str) -> None:
    """A name that is no message type is a mistake, not an empty stream."""
    with pytest.raises(BadRequest, match="status, log"):
        parse_types(value)
