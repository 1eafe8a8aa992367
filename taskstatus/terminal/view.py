"""How the messages of a followed task are shown: to a program, in a file, on a screen."""

from __future__ import annotations

import json
import os
from types import TracebackType
from typing import Protocol, Self, TextIO

from taskstatus.terminal import words
from taskstatus.terminal.bar import BarView, make_console

__all__ = ["JsonView", "LineView", "View", "choose_view", "is_screen", "write_json", "write_line"]


class View(Protocol):
    """Shows messages as they come; a context manager, and shown to inside it only."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def show(self, text: str) -> None:
        """Show one message, given as it came over the wire."""

    def note(self, text: str) -> None:
        """Say something about the following itself."""


def write_line(stream: TextIO, text: str) -> None:
    """Write a line at once; what the stream's encoding does not have is escaped."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(f"{text.encode(encoding, 'backslashreplace').decode(encoding)}\n")
    stream.flush()


def write_json(stream: TextIO, text: str) -> None:
    """Write a line of JSON at once, with ``\\u`` escapes where the stream's encoding needs them."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text), separators=(",", ":"))
    stream.write(f"{text}\n")
    stream.flush()


class LineView:
    """One line of plain text for each message; notes go to the other stream.

    With ``several`` tasks each line begins with the id of its own.
    """

    def __init__(self, out: TextIO, err: TextIO, *, several: bool = False) -> None:
        self._out = out
        self._err = err
        self._several = several

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing is held."""

    def show(self, text: str) -> None:
        """See View.show()."""
        content = json.loads(text)
        line = words.line(content)
        if line:
            task = f"{words.printable(content.get('task_id'))} " if self._several else ""
            write_line(self._out, f"{task}{line}")

    def note(self, text: str) -> None:
        """See View.note()."""
        write_line(self._err, words.printable(text))


class JsonView(LineView):
    """The messages themselves, one a line."""

    def show(self, text: str) -> None:
        """See View.show()."""
        write_json(self._out, text)


def is_screen(stream: TextIO) -> bool:
    """Return whether the stream is a terminal that can draw: move the cursor, and show a bar."""
    if not stream.isatty() or os.environ.get("TERM", "") in {"dumb", "unknown"}:
        return False
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def choose_view(
    out: TextIO,
    err: TextIO,
    *,
    as_json: bool = False,
    color: bool | None = None,
    several: bool = False,
) -> View:
    """Return the view that suits the stream: a bar on a screen, lines elsewhere."""
    if as_json:
        return JsonView(out, err)
    if is_screen(out):
        return BarView(make_console(out, color=color), several=several)
    return LineView(out, err, several=several)
