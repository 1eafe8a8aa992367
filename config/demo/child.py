"""A child process that is owned: started apart, logged to a file, and surely stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from config.demo.exceptions import ChildError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

__all__ = ["Child"]

_DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")


class Child:
    """
    One process that this one starts and stops.

    It runs in a session of its own, so a Ctrl-C in the terminal reaches only the parent,
    which then stops its children in order. On Linux it is also ended by the kernel when
    the thread that started it ends, so start it from the main thread.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str = "",
        grace_seconds: float = 5,
        orphan_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        """
        Start the command, its output going to the log file. Raises ChildError.

        The orphan signal is what it gets (on Linux) if this process is killed outright.
        """
        self.name = name
        self.log = log
        self.grace_seconds = grace_seconds
        fate = [str(os.getpid()), str(int(orphan_signal))]
        wrapper = [sys.executable, "-I", "-S", str(_DIE_WITH_PARENT), *fate]
        try:
            with log.open("wb") as output:
                self._process = subprocess.Popen(  # noqa: S603  our own commands, no shell
                    [*wrapper, *command],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=env,
                    cwd=cwd,
                    start_new_session=True,
                )
        except OSError as error:
            raise ChildError(f"{name} could not be started: {error}.") from error
        assert self._process.stdin is not None  # noqa: S101  for the type checker: it is a PIPE
        # A child that is already dead has said why in its log.
        with contextlib.suppress(BrokenPipeError), self._process.stdin as pipe:
            pipe.write(stdin.encode())

    @property
    def pid(self) -> int:
        """The process id, also of its session and process group."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def tail(self, *, lines: int = 15) -> str:
        """The last lines of the log."""
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """Ask it to end, wait for the grace time, then kill whatever is left of it."""
        if self.returncode is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.grace_seconds)
        # Also when it ended in order: its own children must not outlive it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
