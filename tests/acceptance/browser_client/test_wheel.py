"""The client comes with the wheel, made from a checkout or from an sdist."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.acceptance.wheel import build

ROOT = Path(__file__).resolve().parents[3]
FILES = ["task-status.js", "task-status.min.js", "watch.js", "legacy.js", "page.css"]


@pytest.fixture(params=["checkout", "sdist"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the wheel of each making."""
    if request.param == "sdist":
        return build(tmp_path)
    wheel: Path = request.getfixturevalue("wheel")
    return wheel


def test_the_wheel_holds_the_static_files_and_templates(made: Path) -> None:
    """What the template tag names is there, the same as in frontend/src."""
    with zipfile.ZipFile(made) as archive:
        names = set(archive.namelist())
        for name in FILES:
            source = (ROOT / "frontend" / "src" / name).read_bytes()
            assert archive.read(f"taskstatus/static/taskstatus/{name}") == source
    assert "taskstatus/templates/taskstatus/task_status.html" in names
    assert "taskstatus/locale/de/LC_MESSAGES/django.mo" in names
    assert "taskstatus/py.typed" in names
    assert "taskstatus/stores/record.lua" in names
