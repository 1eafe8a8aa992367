"""A run of the demo: started as a person does, read as a person reads it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.demo.child import Child
from config.demo.redis_server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ROOT", "DemoRun", "clean_environment", "running_demo"]

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90
STOP_SECONDS = 30
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """The launcher, and the folders where its files are."""

    child: Child
    var: Path
    temporary: Path
    port: int

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self.child.log.read_text()

    @property
    def page(self) -> str:
        """The URL that it printed for its page."""
        return self.printed("Open the page")

    def printed(self, title: str) -> str:
        """Return the line below a title."""
        found = re.search(rf"^{re.escape(title)}:\n(.+)$", self.output, re.MULTILINE)
        assert found, f"{title!r} is not in:\n{self.output}"
        return found[1]

    def logs(self) -> str:
        """Return what its children have logged, and where."""
        folder = self.var / "demo"
        return "\n".join(f"== {log.name}\n{log.read_text()}" for log in folder.glob("*.log"))

    def descendants(self) -> set[int]:
        """Return the ids of all processes that come from it."""
        parents = _parents()
        found = {self.child.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found - {self.child.pid}

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the processes that run tasks where they are; their worker goes on."""
        celery = {pid for pid in self.descendants() if "celery" in _command(pid)}
        pool = [pid for pid, parent in _parents().items() if pid in celery and parent in celery]
        assert pool
        for pid in pool:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pool:
                os.kill(pid, signal.SIGCONT)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> int:
        """Press Ctrl-C; return the exit status."""
        os.kill(self.child.pid, number)
        return self.wait_for_exit()

    def remains(self, family: set[int]) -> list[str]:
        """Return what is left: processes of the family, the port, temporary files."""
        left = [f"process {pid}" for pid in family if _runs(pid)]
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                left.append(f"port {self.port}")
        return left + [str(path) for path in self.temporary.iterdir()]

    def wait_for_exit(self) -> int:
        """Wait until the launcher has ended; return its exit status."""
        deadline = time.monotonic() + STOP_SECONDS
        while self.child.returncode is None:
            assert time.monotonic() < deadline, f"it does not end:\n{self.output}"
            time.sleep(POLL_SECONDS)
        return self.child.returncode


def _parents() -> dict[int, int]:
    """Return the parent of each process."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        # A process may be gone by now.
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return parents


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def _runs(pid: int) -> bool:
    """Return whether there is such a process, and it is not merely waiting to be reaped."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def clean_environment() -> dict[str, str]:
    """Return the environment without what configures the tests."""
    ours = {"REDIS_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "DATABASE_URL"}
    return {name: value for name, value in os.environ.items() if name not in ours}


@contextlib.contextmanager
def running_demo(
    folder: Path,
    *arguments: str,
    until: str = "Press Ctrl-C",
    env: Mapping[str, str] | None = None,
) -> Iterator[DemoRun]:
    """Start the demo on a free port, all its files in the folder; wait until it says so much."""
    port = free_port()
    var, temporary = folder / "var", folder / "tmp"
    temporary.mkdir()
    own = {"VAR_DIR": str(var), "TMPDIR": str(temporary), **(env or {})}
    command = [sys.executable, "-m", "config.demo.launcher", "--port", str(port), *arguments]
    with Child(
        "the demo",
        command,
        log=folder / "output",
        env=clean_environment() | own,
        cwd=ROOT,
        grace_seconds=STOP_SECONDS,
    ) as child:
        demo = DemoRun(child=child, var=var, temporary=temporary, port=port)
        deadline = time.monotonic() + START_SECONDS
        while until not in demo.output:
            assert child.returncode is None, f"{demo.output}\n{demo.logs()}"
            assert time.monotonic() < deadline, f"{demo.output}\n{demo.logs()}"
            time.sleep(POLL_SECONDS)
        yield demo
