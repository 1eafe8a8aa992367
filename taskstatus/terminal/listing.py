"""Tasks in a list: one line each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

from rich.table import Table
from rich.text import Text

from taskstatus.messages import Message
from taskstatus.terminal import words
from taskstatus.terminal.bar import make_console, style_of
from taskstatus.terminal.view import is_screen, write_json, write_line

__all__ = ["show_list"]

Content = dict[str, Any]


def show_list(
    out: TextIO, statuses: Sequence[Message], *, as_json: bool = False, color: bool | None = None
) -> None:
    """Show each task's status on a line: a table on a screen, the message itself as JSON."""
    if as_json:
        for status in statuses:
            write_json(out, status.json)
    elif is_screen(out):
        make_console(out, color=color).print(_table([json.loads(one.json) for one in statuses]))
    else:
        for status in statuses:
            write_line(out, "\t".join(_cells(json.loads(status.json))))


def _table(contents: Sequence[Content]) -> Table:
    """Return a table that leaves the name some room beside an id on 80 columns."""
    table = Table(box=None, pad_edge=False)
    for title in ("Task", "State", "", "Age"):
        table.add_column(title, no_wrap=True)
    # A name that is longer goes on in the next line: its end tells tasks apart.
    table.add_column("Name", overflow="fold")
    now = datetime.now(UTC)
    for content in contents:
        task, state, progress, name, _ = _cells(content, most=1)
        age = words.age(content.get("updated_at"), now)
        table.add_row(Text(task), Text(state, style=style_of(content)), progress, age, Text(name))
    return table


def _cells(content: Content, *, most: int = 2) -> list[str]:
    """Return what a line shows, with so many figures of the progress at most."""
    progress = "" if content.get("ready") else " ".join(words.figures(content)[:most])
    return [
        words.printable(content.get("task_id")),
        words.state_of(content),
        progress,
        words.printable(content.get("name") or ""),
        words.moment(content.get("updated_at")),
    ]
