"""``manage.py task`` as people run it: a process of its own, with or without a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.harness.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.harness.environment import Environment

__all__ = ["Ended", "Running", "Terminal", "run", "run_on_terminal", "running"]

#: A ``manage.py`` of a project that imports its Celery application, as Celery's manual has it.
MANAGE = """
import sys, tests.project.celery
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str = ""


class Running:
    """A command that runs, and whose output is read as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.out = process.stdout
        self.err = process.stderr

    def line(self) -> str:
        """Return the next line that it prints, without its end; "" when it prints no more."""
        return self.out.readline().removesuffix("\n")

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> Ended:
        """Wait for its end; return what was not read yet."""
        out, err = self.process.communicate(timeout=TIMEOUT_SECONDS)
        return Ended(code=self.process.returncode, out=out, err=err)


def run(environment: Environment, *arguments: str) -> Ended:
    """Run ``manage.py task`` to its end."""
    with running(environment, *arguments) as command:
        return command.end()


@contextlib.contextmanager
def running(environment: Environment, *arguments: str) -> Iterator[Running]:
    """Run ``manage.py task``; it is killed if it still runs when the block is left."""
    with subprocess.Popen(
        _command(arguments),
        env=_variables(environment),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # Nobody waits for ever for a line that doesn't come.
        watchdog = threading.Timer(TIMEOUT_SECONDS, process.kill)
        watchdog.start()
        try:
            yield Running(process)
        finally:
            watchdog.cancel()
            watchdog.join()
            process.kill()


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal on which a command runs, for who sits before it."""

    process: subprocess.Popen[bytes]
    controller: int

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self.controller, f"{line}\n".encode())

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        self.process.send_signal(signal.SIGINT)


def run_on_terminal(
    environment: Environment,
    *arguments: str,
    reactions: Sequence[tuple[str, Callable[[Terminal], object]]] = (),
) -> Ended:
    """Run ``manage.py task`` on a terminal of 24 lines of 100 columns; ``out`` is all it drew.

    The ``reactions`` come one after another, each once its text is drawn after the one before.
    """
    controller, terminal = pty.openpty()
    variables = {**_variables(environment), "TERM": "xterm", "COLUMNS": "100", "LINES": "24"}
    process = subprocess.Popen(
        _command(arguments),
        env=variables,
        cwd=ROOT,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    watchdog = threading.Timer(TIMEOUT_SECONDS, process.kill)
    watchdog.start()
    drawn, seen, waiting = b"", 0, list(reactions)
    try:
        # Linux answers with EIO once nobody holds the other end any more.
        with contextlib.suppress(OSError):
            while chunk := os.read(controller, 65_536):
                drawn += chunk
                while waiting and (place := drawn.find(waiting[0][0].encode(), seen)) >= 0:
                    text, react = waiting.pop(0)
                    seen = place + len(text.encode())
                    react(Terminal(process, controller))
        code = process.wait(TIMEOUT_SECONDS)
    finally:
        watchdog.cancel()
        watchdog.join()
        process.kill()
        process.wait()
        os.close(controller)
    return Ended(code=code, out=drawn.decode())


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-W", "error::ResourceWarning", "-c", MANAGE, "task", *arguments]


def _variables(environment: Environment) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **environment.variables()}
