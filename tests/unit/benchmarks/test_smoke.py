"""The tool itself works: a small run with real servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


# Three servers one after the other, on a machine that may be busy with other tests.
@pytest.mark.timeout(180)
def test_a_small_fan_out_loses_nothing(tmp_path: Path) -> None:
    """Five clients on each transport of one server: every event comes once, in order."""
    figures = tmp_path / "figures.json"
    command = [
        *(sys.executable, "-m", "benchmarks", "fanout", "--only=uvicorn", "--sizes=5"),
        *("--rounds=1", f"--to={figures}"),
    ]
    env = {name: value for name, value in os.environ.items() if not name.startswith("TASKSTATUS_")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = json.loads(figures.read_text())["fanout"]
    assert [row["subject"] for row in rows] == ["uvicorn-ws", "uvicorn-sse", "uvicorn-poll"]
    for row in rows:
        assert row["received"] >= 5
        assert row["received"] % 5 == 0
        assert row["lost"] == row["duplicated"] == row["reordered"] == 0
        assert row["server"] > 0
