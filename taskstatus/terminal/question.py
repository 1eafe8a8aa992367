"""What Ctrl-C means: asked, where there is somebody to answer."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TextIO

from taskstatus.terminal.view import write_line

__all__ = ["Wish", "ask"]

QUESTION = "Ctrl-C: [d]etach (the task goes on), [c]ancel the task, or go on [f]ollowing it? [d] "


class Wish(Enum):
    """What somebody wants who has pressed Ctrl-C."""

    DETACH = "d"
    CANCEL = "c"
    FOLLOW = "f"


def ask(err: TextIO) -> Wish:
    """Return what the person at the terminal wants; to detach, if there is none.

    Another Ctrl-C, the end of the input and an empty answer mean so, too.
    """
    if not (sys.stdin is not None and sys.stdin.isatty() and err.isatty()):
        return Wish.DETACH
    while True:
        err.write(QUESTION)
        err.flush()
        try:
            answer = sys.stdin.readline().strip().lower()
        except KeyboardInterrupt:
            answer = ""
            write_line(err, "")
        if answer[:1] in {"", *(wish.value for wish in Wish)}:
            return Wish(answer[:1] or "d")
