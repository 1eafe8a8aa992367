"""What a server has used so far, by ``/proc``: all threads of all of its processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["cpu_seconds", "resident_bytes", "settle"]

PAGE = os.sysconf("SC_PAGE_SIZE")
#: A server that uses less than this share of a core for so long has done what was begun.
QUIET_SECONDS = 0.08
QUIET_SHARE = 0.03
PATIENCE_SECONDS = 5.0


def cpu_seconds(session: int) -> float:
    """Return the CPU time of a session's processes, as the scheduler counts it.

    That is what utime and stime are made from, in nanoseconds instead of ticks.
    """
    return sum(_on_cpu(thread) for process in _processes(session) for thread in _threads(process))


def resident_bytes(session: int) -> int:
    """Return the resident memory of a session's processes."""
    pages = ((process / "statm").read_text().split()[1] for process in _processes(session))
    return sum(map(int, pages)) * PAGE


def settle(session: int) -> None:
    """Wait until a session's processes have done what they had to do."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    used = -1.0
    while time.monotonic() < deadline:
        now = cpu_seconds(session)
        if now - used < QUIET_SHARE * QUIET_SECONDS and used >= 0:
            return
        used = now
        time.sleep(QUIET_SECONDS)


def _processes(session: int) -> Iterator[Path]:
    """Yield the folder of each process of the session (proc(5), stat)."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if fields[3] == str(session):
            yield path.parent


def _threads(process: Path) -> Iterator[Path]:
    return (process / "task").iterdir()


def _on_cpu(thread: Path) -> float:
    return int((thread / "schedstat").read_text().split()[0]) / 1e9
