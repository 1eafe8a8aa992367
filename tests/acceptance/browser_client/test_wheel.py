"""The client comes with the wheel, made from a checkout or from an sdist."""

from __future__ import annotations

import tarfile
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


def test_the_sdist_holds_each_file_once(tmp_path: Path) -> None:
    """The client's as sources and as static files, and what the tests need besides them."""
    build(tmp_path)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert len(names) == len(set(names))
    folders = ("taskstatus/static/taskstatus", "frontend/src")
    assert {f"{folder}/{name}" for folder in folders for name in FILES} <= set(names)
    assert {"config/settings.py", "Makefile", ".ci/run", "requirements/dev.txt"} <= set(names)
