"""Which view is chosen, and what it writes where."""

from __future__ import annotations

import io

import pytest

from taskstatus.terminal.bar import BarView
from taskstatus.terminal.view import JsonView, LineView, choose_view, write_json, write_line
from tests.unit.terminal.streams import Terminal

STARTED = '{"type":"status","state":"STARTED","name":"ü"}'


def test_a_screen_gets_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that can draw."""
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(choose_view(Terminal(), io.StringIO()), BarView)


def test_json_is_json_on_a_screen_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for wins."""
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(choose_view(Terminal(), io.StringIO(), as_json=True), JsonView)


def test_a_terminal_that_can_not_draw_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an editor's shell window."""
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(choose_view(Terminal(), io.StringIO()), LineView)


def test_a_terminal_without_the_letters_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar is drawn with characters that not every encoding has."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    stream.encoding = "ascii"
    assert isinstance(choose_view(stream, io.StringIO()), LineView)


def test_a_file_gets_lines_even_if_colours_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    """FORCE_COLOR makes no terminal of a file."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    out, err = io.StringIO(), io.StringIO()
    with choose_view(out, err, color=True) as view:
        view.show(STARTED)
        view.note("a note")
    assert out.getvalue() == "STARTED\n"
    assert err.getvalue() == "a note\n"


def test_json_is_written_byte_for_byte() -> None:
    """The message itself, one line each."""
    out = io.StringIO()
    with choose_view(out, io.StringIO(), as_json=True) as view:
        view.show(STARTED)
    assert out.getvalue() == f"{STARTED}\n"


def test_what_an_encoding_does_not_have_is_escaped() -> None:
    """No text of a task makes the command fail; JSON stays JSON."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    write_line(stream, "naïve")
    write_json(stream, STARTED)
    assert raw.getvalue().splitlines() == [
        rb"na\xefve",
        rb'{"type":"status","state":"STARTED","name":"\u00fc"}',
    ]
