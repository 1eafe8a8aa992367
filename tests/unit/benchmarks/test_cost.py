"""What a process uses is what the kernel says."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.cost import cpu_seconds, resident_bytes

BURN = """
import time
hoard = bytearray(50_000_000)
while time.process_time() < 0.2: pass
print(time.process_time(), flush=True)
input()
"""


def test_a_sessions_cpu_and_memory_are_seen() -> None:
    """Of a process that says itself how much it has used."""
    with subprocess.Popen(
        [sys.executable, "-c", BURN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as burner:
        assert burner.stdout is not None
        said = float(burner.stdout.readline())
        seen = cpu_seconds(burner.pid)
        assert said <= seen < said + 0.1
        assert resident_bytes(burner.pid) > 50_000_000
        burner.communicate("\n")
    assert cpu_seconds(burner.pid) == 0
