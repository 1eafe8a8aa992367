"""Followed tasks on a screen: one live line each, with what they write above."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from taskstatus.states import State
from taskstatus.terminal import words

__all__ = ["BarView", "make_console", "style_of"]

REFRESHES_PER_SECOND = 8
_STYLES: dict[str, str] = {
    State.SUCCESS: "bold green",
    State.FAILURE: "bold red",
    State.REJECTED: "bold red",
    State.REVOKED: "bold yellow",
    State.RETRY: "yellow",
    State.IGNORED: "bold",
}
_LEVELS = {"debug": "dim", "warning": "yellow", "error": "red", "critical": "bold red"}


def make_console(stream: TextIO, *, color: bool | None = None) -> Console:
    """Return a console on a stream that is known to be a terminal.

    ``color`` True or False is the user's wish; None leaves it to the terminal and to NO_COLOR.
    """
    return Console(
        file=stream,
        force_terminal=True,
        no_color=None if color is None else not color,
        color_system="standard" if color else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )


class BarView:
    """A bar with percent and time left where the task says so, else a spinner.

    The last state stays on the screen, with the result or the error below it. Where there are
    ``several`` tasks, what one of them writes begins with its id, and so does its outcome.
    """

    def __init__(self, console: Console, *, several: bool = False) -> None:
        self.console = console
        self._several = several
        #: By task id, in the order in which they were first heard of.
        self._statuses: dict[str, Mapping[str, Any]] = {}
        self._spinner = Spinner("dots")
        self._live = Live(
            console=console,
            get_renderable=self.render,
            refresh_per_second=REFRESHES_PER_SECOND,
            redirect_stdout=False,
            # Warnings of this process would else be written into the bar.
            redirect_stderr=sys.stderr.isatty(),
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the last state on the screen."""
        self._live.stop()

    def show(self, text: str) -> None:
        """See View.show()."""
        content = json.loads(text)
        if content.get("type") == "log":
            style = _LEVELS.get(str(content.get("level")), "")
            self._print(Text(f"{self._whose(content)}{_message(content)}", style=style))
        elif content.get("type") == "status":
            self._statuses[str(content.get("task_id"))] = content
            if content.get("ready"):
                self._end(content)

    def note(self, text: str) -> None:
        """See View.note()."""
        self._print(Text(words.printable(text), style="dim italic"))

    def _print(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True)

    def _end(self, content: Mapping[str, Any]) -> None:
        if not self._several:
            self._live.stop()
        outcome = words.outcome(content)
        if outcome:
            style = "" if content.get("error") is None else style_of(content)
            self._print(Text(f"{self._whose(content)}{outcome}", style=style))

    def _whose(self, content: Mapping[str, Any]) -> str:
        return f"{words.printable(content.get('task_id'))}: " if self._several else ""

    def render(self) -> RenderableType:
        """Return the lines as they are now; a task never takes more than one."""
        if not self._statuses:
            return self._spinner
        return Group(*map(self._line, self._statuses.values()))

    def _line(self, status: Mapping[str, Any]) -> RenderableType:
        table = Table.grid(expand=True, padding=(0, 1), pad_edge=False)
        cells: list[RenderableType] = []

        def add(cell: RenderableType, **options: Any) -> None:
            table.add_column(no_wrap=True, overflow="ellipsis", **options)
            cells.append(cell)

        if not status.get("ready"):
            add(self._spinner, width=1)
        add(Text(words.state_of(status), style=style_of(status)))
        add(Text(_title(status)), ratio=2, min_width=4)
        percent = words.number(words.progress_of(status).get("percent"))
        if percent is not None:
            add(ProgressBar(total=100, completed=percent), ratio=3, min_width=4)
        add(Text(" ".join(_figures(status))), justify="right")
        table.add_row(*cells)
        return table


def style_of(status: Mapping[str, Any]) -> str:
    """Return the style in which a task's state is shown."""
    return "yellow" if status.get("stalled") else _STYLES.get(str(status.get("state")), "cyan")


def _message(content: Mapping[str, Any]) -> str:
    return words.printable(content.get("message"))


def _title(status: Mapping[str, Any]) -> str:
    message = words.progress_of(status).get("message")
    if message and not status.get("ready"):
        return words.printable(message)
    return words.printable(status.get("name") or status.get("task_id"))


def _figures(status: Mapping[str, Any]) -> list[str]:
    figures = words.figures(status)
    return [*figures, words.took(status)] if status.get("ready") else figures
