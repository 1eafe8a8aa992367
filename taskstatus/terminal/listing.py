"""Tasks in a list: one line each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TextIO

from rich.table import Table
from rich.text import Text

from taskstatus.messages import Message
from taskstatus.terminal import words
from taskstatus.terminal.bar import make_console, style_of
from taskstatus.terminal.view import is_screen, write_json, write_line

__all__ = ["show_list"]


def show_list(
    out: TextIO, statuses: Sequence[Message], *, as_json: bool = False, color: bool | None = None
) -> None:
    """Show each task's status on a line: a table on a screen, the message itself as JSON."""
    if as_json:
        for status in statuses:
            write_json(out, status.json)
    elif is_screen(out):
        table = Table(box=None, pad_edge=False)
        for title in ("Task", "State", "Progress", "Name", "Updated"):
            table.add_column(title, no_wrap=title != "Name")
        for status in statuses:
            content = json.loads(status.json)
            task, state, *rest = _cells(content)
            table.add_row(Text(task), Text(state, style=style_of(content)), *map(Text, rest))
        make_console(out, color=color).print(table)
    else:
        for status in statuses:
            write_line(out, "\t".join(_cells(json.loads(status.json))))


def _cells(content: dict[str, Any]) -> list[str]:
    progress = "" if content.get("ready") else " ".join(words.figures(content)[:2])
    return [
        words.printable(content.get("task_id")),
        words.state_of(content),
        progress,
        words.printable(content.get("name") or ""),
        words.moment(content.get("updated_at")),
    ]
