"""What a client says over a WebSocket of several tasks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstatus.exceptions import BadRequest
from taskstatus.frames import Frame, parse_frame, parse_json


def test_frames_are_read() -> None:
    """What is optional may be left out, or null."""
    text = '{"type":"subscribe","task_id":"a","after":"7","token":"t","later":1}'
    assert parse_frame(text) == Frame(type="subscribe", task_id="a", after="7", token="t")
    text = '{"type":"subscribe","task_id":"a","after":null,"token":null}'
    assert parse_frame(text) == Frame(type="subscribe", task_id="a")
    text = '{"task_id":"a","type":"unsubscribe"}'
    assert parse_frame(text) == Frame(type="unsubscribe", task_id="a")


@pytest.mark.parametrize(
    "text",
    [
        *(
            None,
            "",
            "{",
            "NaN",
            '{"type":NaN}',
            "[]",
            "1",
            "null",
            '"subscribe"',
            "{}",
            "[" * 4_000,
        ),
        *('{"type":1}', '{"type":"subscribe"}', '{"type":"unsubscribe","task_id":1}'),
        '{"type":"subscribe","task_id":"a","token":7}',
        json.dumps({"type": "later", "pad": "x" * 4_096}),
        json.dumps({"type": "later", "pad": "é" * 2_100}, ensure_ascii=False),
    ],
    ids=lambda text: repr(text)[:30],
)
def test_what_is_no_frame_is_a_bad_request(text: str | None) -> None:
    """Of the whole connection: nothing tells which task it would be about."""
    with pytest.raises(BadRequest):
        parse_frame(text)


def test_types_of_later_versions_mean_nothing() -> None:
    """Whatever else they hold."""
    assert parse_frame('{"type":"later","task_id":7}') is None


@pytest.mark.parametrize("type_", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize(
    "fields",
    [
        *({"task_id": ""}, {"task_id": "a\n"}, {"task_id": "x" * 256}, {"task_id": "\ud800"}),
        *({"after": ""}, {"after": "x"}, {"after": 7}, {"after": []}, {"after": False}),
    ],
    ids=repr,
)
def test_malformed_id_or_cursor_concerns_one_task(type_: str, fields: dict[str, object]) -> None:
    """The frame is one; what is wrong shows when it is looked at."""
    frame = parse_frame(json.dumps({"type": type_, "task_id": "a"} | fields))
    assert frame is not None
    with pytest.raises(BadRequest):
        frame.check()


def test_frame_tells_where_to_go_on() -> None:
    """After a version, or from a snapshot."""
    assert Frame(type="subscribe", task_id="a", after="7").check() == 7
    assert Frame(type="subscribe", task_id="a").check() is None


@given(st.text(max_size=60) | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_understood_or_refused(text: str) -> None:
    """No frame can do worse than to be refused."""
    try:
        parse_json(text)
        parse_frame(text)
    except BadRequest:
        pass
