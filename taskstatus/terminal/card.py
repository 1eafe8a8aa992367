"""Labels and values, shown at once: a status, or a task that has just been enqueued."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.table import Table
from rich.text import Text

from taskstatus.terminal.bar import make_console
from taskstatus.terminal.view import is_screen, write_line

__all__ = ["show_table", "write_rows"]

Rows = Sequence[tuple[str, str]]


def write_rows(out: TextIO, rows: Rows) -> None:
    """Write one line for each row, as it is: nothing is folded, so it can be copied."""
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        write_line(out, f"{label:<{width}}  {value}")


def show_table(out: TextIO, rows: Rows, *, color: bool | None = None) -> None:
    """Show a table on a screen; elsewhere the same as ``write_rows()``."""
    if not is_screen(out):
        write_rows(out, rows)
        return
    table = Table(show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(label, Text(value))
    make_console(out, color=color).print(table)
