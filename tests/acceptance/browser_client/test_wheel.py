"""The client comes with the wheel, made from a checkout or from an sdist."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = ["task-status.js", "task-status.min.js", "watch.js", "legacy.js", "page.css"]


@pytest.mark.parametrize("options", [["--wheel"], []], ids=["checkout", "sdist"])
def test_the_wheel_holds_the_static_files_and_templates(tmp_path: Path, options: list[str]) -> None:
    """What the template tag names is there, the same as in frontend/src."""
    command = [sys.executable, "-m", "build", *options, "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        for name in FILES:
            source = (ROOT / "frontend" / "src" / name).read_bytes()
            assert archive.read(f"taskstatus/static/taskstatus/{name}") == source
    assert "taskstatus/templates/taskstatus/task_status.html" in names
    assert "taskstatus/locale/de/LC_MESSAGES/django.mo" in names
