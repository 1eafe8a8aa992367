"""The list of tasks, on a screen and elsewhere."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

from taskstatus.messages import Message
from taskstatus.stores import get_store
from taskstatus.terminal.listing import show_list
from taskstatus.testing import TaskDriver, memory_store
from tests.unit.terminal.streams import Terminal

NAME = "demoapp.tasks.import_rows_of_customers"


@pytest.fixture
def statuses(monkeypatch: pytest.MonkeyPatch) -> Sequence[Message]:
    """Return a task that runs and one that is over, on a terminal as wide as most begin."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with memory_store():
        running, over = TaskDriver(name=NAME), TaskDriver(name=NAME)
        over.success()
        running.started()
        running.progress(1_000, 4_000, "importing")
        return get_store().recent(10, frozenset()).statuses


def test_a_screen_of_80_columns_has_whole_ids_and_names(statuses: Sequence[Message]) -> None:
    """A name may need more lines than one; nothing is cut off."""
    out = Terminal()
    show_list(out, statuses)
    header, *lines = out.text.splitlines()
    assert header.split() == ["Task", "State", "Age", "Name"]
    column = header.index("Name")
    assert "".join(line[column:].strip() for line in lines) == 2 * NAME
    states = [line[:column].split()[1:] for line in lines if line[:column].strip()]
    assert [words[:-2] for words in states] == [["PROGRESS", "25", "%"], ["SUCCESS"]]


def test_elsewhere_nothing_is_folded(statuses: Sequence[Message]) -> None:
    """A line each, whatever the width."""
    out = io.StringIO()
    show_list(out, statuses)
    assert [line.split("\t")[2:4] for line in out.getvalue().splitlines()] == [
        ["25 % 1,000/4,000", NAME],
        ["", NAME],
    ]
