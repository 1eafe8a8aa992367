"""How ``manage.py task`` ends: the exit codes, a part of its interface."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NoReturn

from taskstatus.states import State

__all__ = ["EXIT_CODES", "ExitCode", "TerminalError", "exit_code_of", "orderly", "worst_of"]


class ExitCode(IntEnum):
    """An exit code with a meaning of its own."""

    #: Also IGNORED: such a task ended as it wanted to, and nothing failed.
    SUCCESS = 0
    #: Also REJECTED.
    FAILURE = 1
    REVOKED = 2
    UNKNOWN = 3
    #: The store, the broker or the server does not answer, or makes no sense.
    UNAVAILABLE = 4
    #: The server wants a token, or another one.
    FORBIDDEN = 5
    #: Not argparse's 2, which means REVOKED here.
    USAGE = 64
    #: By Ctrl-C; the shells' number for it.
    INTERRUPTED = 130
    #: Whoever read the output has gone; the shells' number for it.
    BROKEN_PIPE = 141
    #: By SIGTERM; the shells' number for it.
    TERMINATED = 143


class TerminalError(Exception):
    """What was asked for can't be done; the message is a sentence for the user."""

    exit_code = ExitCode.UNAVAILABLE


#: For ``--help``.
EXIT_CODES = """\
exit codes:
  0    SUCCESS, or IGNORED (the task ended as it wanted to, and nothing failed)
  1    FAILURE, or REJECTED
  2    REVOKED
  3    the task is unknown, or its status is no longer kept
       (of several tasks: 1 if any has failed, else 2, else 3)
  4    the store, the broker or the server can't be reached
  5    the server does not let you read this task: give a valid token
  64   wrong arguments, or wrong settings
  130  left by Ctrl-C; the task itself goes on (143: by SIGTERM)
"""

_OUTCOMES = {
    State.SUCCESS: ExitCode.SUCCESS,
    State.IGNORED: ExitCode.SUCCESS,
    State.FAILURE: ExitCode.FAILURE,
    State.REJECTED: ExitCode.FAILURE,
    State.REVOKED: ExitCode.REVOKED,
}


def exit_code_of(state: str) -> ExitCode:
    """Return how the command ends that has followed a task to this terminal state."""
    return _OUTCOMES[State(state)]


#: What counts most, where several tasks are followed.
_WORST = (ExitCode.FAILURE, ExitCode.REVOKED, ExitCode.UNKNOWN)


def worst_of(states: Sequence[str]) -> ExitCode:
    """Return how the command ends that has followed tasks to these states; "" is an unknown one."""
    codes = {exit_code_of(state) if state else ExitCode.UNKNOWN for state in states}
    return next((code for code in _WORST if code in codes), ExitCode.SUCCESS)


@contextlib.contextmanager
def orderly() -> Iterator[None]:
    """Let SIGTERM leave the block with SystemExit, so that the screen is left in order.

    Does nothing outside the main thread, where Python lets nobody catch signals.
    """
    try:
        before = signal.signal(signal.SIGTERM, _leave)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, frame: object) -> NoReturn:
    raise SystemExit(ExitCode.TERMINATED)
