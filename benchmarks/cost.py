"""What a server has used so far, by ``/proc``: all threads of all of its processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["cpu_seconds", "resident_bytes", "settle"]

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
#: No CPU used for so long means that what was begun is done.
QUIET_SECONDS = 0.08
PATIENCE_SECONDS = 5.0


def cpu_seconds(session: int) -> float:
    """Return the CPU time of a session's processes and of their children that have ended."""
    # utime, stime, cutime, cstime (proc(5)).
    return sum(sum(map(int, fields[11:15])) for fields in _processes(session)) / TICKS


def resident_bytes(session: int) -> int:
    """Return the resident memory of a session's processes."""
    return sum(int(fields[21]) for fields in _processes(session)) * PAGE


def settle(session: int) -> None:
    """Wait until a session's processes have done what they had to do."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    used = -1.0
    while (now := cpu_seconds(session)) != used and time.monotonic() < deadline:
        used = now
        time.sleep(QUIET_SECONDS)


def _processes(session: int) -> Iterator[list[str]]:
    """Yield the fields of ``/proc/<pid>/stat``, from the state on, of each process."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if fields[3] == str(session):
            yield fields
