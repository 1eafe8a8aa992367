"""A task's messages in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskstatus.terminal import words

PROGRESS = {
    "current": 450,
    "total": 1000,
    "percent": 45.9,
    "message": "counting",
    "rate": 120.0,
    "eta": 4.2,
}


def status(state: str, **values: Any) -> dict[str, Any]:
    """Return a status message with what these tests look at."""
    times = {"updated_at": "2026-11-22T14:20:03.123456Z"}
    return {"type": "status", "task_id": "t", "state": state, "ready": False, **times, **values}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (status("PENDING"), "PENDING"),
        (status("STARTED", stalled=True), "STARTED (stalled)"),
        (
            status("PROGRESS", progress=PROGRESS),
            "PROGRESS 45 % 450/1,000 120/s 5 s left counting",
        ),
        (status("PROGRESS", progress={"current": 0.25}), "PROGRESS 0.25"),
        (
            status("RETRY", error="again", error_type="OSError", retries=2),
            "RETRY (retry 2) OSError: again",
        ),
        (status("SUCCESS", ready=True), "SUCCESS"),
        (status("SUCCESS", ready=True, result={"a": "ü"}), 'SUCCESS {"a": "ü"}'),
        (
            status("SUCCESS", ready=True, result_omitted="too-large"),
            "SUCCESS the result is not shown: too-large",
        ),
        (
            status("FAILURE", ready=True, error="broken", error_type="ValueError"),
            "FAILURE ValueError: broken",
        ),
        (status("REVOKED", ready=True, error="terminated"), "REVOKED terminated"),
    ],
)
def test_a_status_is_one_line(content: dict[str, Any], line: str) -> None:
    """It says when, what, and what is known about it."""
    assert words.line(content) == f"2026-11-22T14:20:03Z {line}"


def test_the_end_says_how_long_the_task_ran() -> None:
    """The times are the worker's own, so no clock here matters."""
    times = {
        "started_at": "2026-11-22T14:00:00.000000Z",
        "finished_at": "2026-11-22T14:20:03.000000Z",
    }
    assert words.line(status("SUCCESS", ready=True, **times)).endswith("SUCCESS in 20 min 03 s")


def test_a_log_line_is_one_line() -> None:
    """It says when and how serious."""
    log = {"type": "log", "level": "warning", "message": "one\ntwo", "at": "2026-11-22T14:20:03Z"}
    assert words.line(log) == r"2026-11-22T14:20:03Z [warning] one\ntwo"


def test_a_type_that_is_not_known_has_no_line() -> None:
    """Later servers may send more."""
    assert words.line({"type": "heartbeat"}) == ""


@pytest.mark.parametrize(
    "content",
    [
        {"type": "status"},
        {"type": "status", "progress": [1], "state": None},
        {"type": "status", "progress": {"percent": "x", "current": None, "eta": True}},
        {"type": "status", "ready": True, "started_at": 5, "finished_at": "yesterday"},
        {"type": "log"},
    ],
)
def test_no_message_of_a_strange_server_breaks_a_line(content: dict[str, Any]) -> None:
    """What makes no sense is left out."""
    assert "\n" not in words.line(content)
    assert words.facts(content)


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\r", "\n", "\x07", "\x9b31m", "\u202e", "\u2028", "\ud800", "\x00"]
)
def test_nothing_that_a_terminal_would_obey_is_left(text: str) -> None:
    """A task's text is a stranger's: it is made visible, not obeyed."""
    shown = words.printable(f"a{text}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")


def test_a_tab_is_shown_as_spaces() -> None:
    """Tabs are harmless and common, so they are not shown as an escape."""
    assert words.printable("a\tb") == "a    b"


def test_all_other_text_stays_as_it_is() -> None:
    """Letters of any script, and what emoji are joined with."""
    text = "naïve — 漢字 👩\u200d🚀 [bold]"
    assert words.printable(text) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (2.34, "2.3 s"), (59.4, "59 s"), (61, "1 min 01 s"), (7_500, "2 h 05 min")],
)
def test_a_duration_is_as_precise_as_it_is_useful(seconds: float, text: str) -> None:
    """Tenths matter for seconds only."""
    assert words.duration(seconds) == text


def test_a_hundred_per_cent_is_the_end() -> None:
    """Percents are rounded down."""
    assert words.figures(status("PROGRESS", progress={"percent": 99.99})) == ["99 %"]


def test_the_facts_leave_out_what_is_not_known() -> None:
    """No empty rows."""
    content = status("FAILURE", ready=True, error="broken", error_type="KeyError", retries=3)
    assert words.facts(content) == [
        ("Task", "t"),
        ("State", "FAILURE"),
        ("Error", "KeyError: broken"),
        ("Retries", "3"),
        ("Updated", "2026-11-22T14:20:03.123456Z"),
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (7_199, "1 h"), (200_000, "2 d")],
)
def test_an_age_has_one_unit(seconds: float, said: str) -> None:
    """Rounded down; a clock that is behind makes none that is negative."""
    now = datetime(2026, 11, 22, 14, tzinfo=UTC)
    assert words.age((now - timedelta(seconds=seconds)).isoformat(), now) == said


@pytest.mark.parametrize("value", [None, "yesterday", "2026-11-22T14:20:03"])
def test_what_is_no_time_has_no_age(value: object) -> None:
    """Nor has one without a zone."""
    assert words.age(value, datetime.now(UTC)) == ""
