"""The live bar."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rich.console import Console

from taskstatus.terminal.bar import BarView
from tests.unit.terminal.streams import Terminal

SHOW_CURSOR = "\x1b[?25h"


def console(stream: Terminal, *, width: int = 100) -> Console:
    """Return a console of a known size."""
    return Console(
        file=stream, force_terminal=True, width=width, height=20, color_system=None, markup=False
    )


def status(state: str, **values: Any) -> str:
    """Return a status message of a task."""
    ready = state in {"SUCCESS", "FAILURE"}
    return json.dumps({"type": "status", "name": "t.job", "state": state, "ready": ready, **values})


def progress(percent: float | None, **values: Any) -> str:
    """Return a status message with progress."""
    shown = {"percent": percent, "message": "counting", **values}
    return status("PROGRESS", progress=shown)


def frame(*messages: str, width: int = 100) -> str:
    """Return the line that stands on the screen after these messages."""
    stream = Terminal()
    view = BarView(console(stream, width=width))
    for message in messages:
        view.show(message)
    lines = [
        "".join(segment.text for segment in line)
        for line in view.console.render_lines(view.render(), pad=False)
    ]
    assert len(lines) == 1, lines
    return lines[0]


def test_percent_count_and_time_left_are_shown_with_a_bar() -> None:
    """All figures are the task's own."""
    line = frame(progress(45, current=450, total=1000, eta=4, rate=120))
    assert "PROGRESS counting" in line
    assert "━" in line
    assert line.rstrip().endswith("45 % 450/1,000 120/s 4 s left")


def test_without_a_total_there_is_no_bar() -> None:
    """A spinner turns instead."""
    line = frame(progress(None, current=450))
    assert "━" not in line
    assert line.rstrip().endswith("450")


def test_without_progress_the_name_of_the_task_is_shown() -> None:
    """So that one sees what one waits for."""
    assert "STARTED t.job" in frame(status("STARTED"))


def test_a_silent_worker_is_told_of() -> None:
    """A stalled task says so."""
    assert "STARTED (stalled)" in frame(status("STARTED", stalled=True))


@pytest.mark.parametrize("width", [1, 10, 20, 40, 60, 80, 300])
def test_the_bar_takes_one_line_on_any_screen(width: int) -> None:
    """A second line would stay behind at each refresh."""
    message = progress(45, current=450, total=1000, eta=4, rate=120, message="漢字" * 100)
    assert len(frame(message, width=width)) <= width


def test_log_lines_stand_above_the_bar_and_the_result_below() -> None:
    """What a task writes is not overwritten."""
    stream = Terminal()
    with BarView(console(stream)) as view:
        view.show(status("STARTED"))
        view.show(json.dumps({"type": "log", "level": "info", "message": "[b]one\x1b[2J"}))
        view.show(status("SUCCESS", result={"rows": 5}))
    lines = stream.text.splitlines()
    assert lines[0].endswith(r"[b]one\x1b[2J")
    assert lines[-2].strip().startswith("SUCCESS t.job")
    assert lines[-1] == '{"rows": 5}'


def test_the_error_stands_below_the_bar() -> None:
    """A failure says why."""
    stream = Terminal()
    with BarView(console(stream)) as view:
        view.show(status("FAILURE", error="broken", error_type="ValueError"))
    assert stream.text.splitlines()[-1] == "ValueError: broken"


def test_the_cursor_comes_back_whatever_happens() -> None:
    """Live drawing hides it."""
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt), BarView(console(stream)):
        raise KeyboardInterrupt
    assert SHOW_CURSOR in stream.getvalue()


def test_a_note_is_shown_above_the_bar() -> None:
    """Such as that the server is away."""
    stream = Terminal()
    with BarView(console(stream)) as view:
        view.note("No news.")
    assert "No news." in stream.text
