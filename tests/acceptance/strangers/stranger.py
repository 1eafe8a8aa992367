"""A project of somebody who reads our pages and pastes what they say, line by line."""

from __future__ import annotations

import contextlib
import difflib
import os
import signal
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from config.demo.child import Child
from tests.harness.processes import Process

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.harness.document import Block

__all__ = ["Stranger"]

#: What the tutorial's page has where the bar shall be.
HERE = "<!-- here -->"
#: The Redis that our pages speak of.
REDIS = "redis://localhost:6379"
#: What a wheel of ours is called there.
INSTALL = "pip install django-taskstatus"


@dataclass(slots=True)
class Stranger:
    """Has a virtualenv, an empty folder, and a Redis at another address than our pages say."""

    bin: Path
    folder: Path
    redis_url: str
    running: list[Process] = field(default_factory=list)

    def paste(self, blocks: Iterable[Block]) -> None:
        """Do what the blocks of a page say, in order: type the commands, edit the files."""
        for block in blocks:
            if block.language == "console":
                for command in block.commands:
                    if command != INSTALL:
                        self.run(command)
            elif block.file:
                self._edit(block)

    def _edit(self, block: Block) -> None:
        path = self.folder / block.file
        before = path.read_text() if path.exists() else ""
        code = block.code.replace(REDIS, urlsplit(self.redis_url)._replace(path="").geturl())
        if block.place == "at the end":
            code = f"{before}\n{code}"
        elif block.place:
            assert HERE in before, f"{block.name}: {block.file} has no place for this"
            code = before.replace(HERE, code.strip())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)

    def write_at_end(self, file: str, line: str) -> None:
        """Add a line that is no affair of ours to a file."""
        with (self.folder / file).open("a") as source:
            source.write(f"\n{line}\n")

    def run(self, command: str) -> str:
        """Type a command and wait for its end; return what it prints. It has to succeed."""
        ended = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def start(self, command: str, *, until: str) -> Process:
        """Type a command that goes on until it is stopped; return once it has said so much."""
        name, *arguments = command.split()
        child = Child(
            name,
            [str(self.bin / name), *arguments],
            log=self.folder / f"{name}.log",
            cwd=self.folder,
            env=self._environment(),
        )
        process = Process(child)
        self.running.append(process)
        process.wait_for_log(until)
        return process

    @contextlib.contextmanager
    def worker_held(self) -> Iterator[None]:
        """Hold the worker where it is, so that it takes no task."""
        (pid,) = [one.pid for one in self.running if one.child.name == "celery"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        """Stop all that goes on."""
        for process in reversed(self.running):
            process.stop()

    def sources(self) -> dict[str, list[str]]:
        """Return the lines of all files of the project."""
        return {
            str(path.relative_to(self.folder)): path.read_text().splitlines()
            for pattern in ("*.py", "*.html")
            for path in self.folder.rglob(pattern)
        }

    def added_since(self, before: dict[str, list[str]]) -> list[str]:
        """Return the lines of code that are new or different, blank ones and comments left out."""
        added = []
        for name, lines in self.sources().items():
            for line in difflib.ndiff(before.get(name, []), lines):
                code = line[2:].strip()
                if line.startswith("+ ") and code and not code.startswith("#"):
                    added.append(f"{name}: {code}")
        return added

    def _environment(self) -> dict[str, str]:
        ours = {"DJANGO_SETTINGS_MODULE", "PYTHONPATH", "REDIS_URL"}
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "PATH": path, "PYTHONUNBUFFERED": "1"}
