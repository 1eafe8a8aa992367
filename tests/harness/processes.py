"""Processes that tests start: logged, awaited, watched for tracebacks, and stopped for sure."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from config.demo.child import Child

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Process", "Processes"]

ROOT = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.02
TRACEBACK = "Traceback (most recent call last)"


class Process:
    """A running process with its log."""

    def __init__(self, child: Child, *, tracebacks_expected: bool = False) -> None:
        self.child = child
        #: Set this in a test that provokes an error on purpose; tasks that fail are one.
        self.tracebacks_expected = tracebacks_expected
        self._checked = 0

    @property
    def pid(self) -> int:
        """The process id."""
        return self.child.pid

    @property
    def log(self) -> str:
        """Everything that the process has written so far."""
        return self.child.log.read_text(errors="replace")

    def wait_for_log(self, pattern: str, *, timeout: float = 30) -> re.Match[str]:
        """Return the first match in the log, waiting for it; fail with the log's tail."""
        deadline = time.monotonic() + timeout
        while (found := re.search(pattern, self.log)) is None:
            if self.child.returncode is not None or time.monotonic() > deadline:
                raise AssertionError(
                    f"{self.child.name} (exit status {self.child.returncode}) never wrote "
                    f"{pattern!r}:\n{self.child.tail(lines=40)}"
                )
            time.sleep(POLL_SECONDS)
        return found

    def wait_for_exit(self, *, timeout: float = 60) -> None:
        """Wait until the process has ended in good order; fail with the log's tail."""
        deadline = time.monotonic() + timeout
        while self.child.returncode is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if self.child.returncode != 0:
            raise AssertionError(
                f"{self.child.name} (exit status {self.child.returncode}):\n"
                f"{self.child.tail(lines=40)}"
            )

    def new_tracebacks(self) -> str:
        """Return what was logged since the last call, from its first traceback on."""
        text = self.log
        new, self._checked = text[self._checked :], len(text)
        if self.tracebacks_expected or TRACEBACK not in new:
            return ""
        return new[new.index(TRACEBACK) :][:8_000]

    def stop(self) -> None:
        """End the process and whatever it has started, by its id."""
        self.child.stop()


class Processes:
    """All processes of one test session; their logs lie side by side in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all: list[Process] = []

    def start(
        self,
        name: str,
        arguments: Iterable[str],
        *,
        env: Mapping[str, str] | None = None,
        tracebacks_expected: bool = False,
        grace_seconds: float = 5,
    ) -> Process:
        """Start ``python <arguments>`` in the root of the project."""
        log = self._folder / f"{len(self._all):02}-{name}.log"
        child = Child(
            name,
            [sys.executable, *arguments],
            log=log,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **(env or {})},
            grace_seconds=grace_seconds,
        )
        process = Process(child, tracebacks_expected=tracebacks_expected)
        self._all.append(process)
        return process

    def new_tracebacks(self) -> str:
        """Return the tracebacks that any of the processes has logged since the last call."""
        reports = ((process.child.name, process.new_tracebacks()) for process in self._all)
        return "\n".join(f"{name}: {report}" for name, report in reports if report)

    def stop(self) -> None:
        """Stop all that still run, the last one first."""
        for process in reversed(self._all):
            process.stop()
