"""The wheel, and a virtualenv that has nothing but it and what it asks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["build", "install"]

ROOT = Path(__file__).resolve().parents[2]


def build(folder: Path, *options: str) -> Path:
    """Build the project into a folder (``python -m build``); return the wheel."""
    command = [sys.executable, "-m", "build", *options, "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path, *more: str) -> Path:
    """Make a virtualenv and install the wheel into it; return its ``bin``.

    With uv, because it keeps what it has downloaded unpacked: pip takes half a minute each time.
    """
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    # Of the releases that it allows, those that all tests run with.
    target = ["--python", str(folder / "bin" / "python"), "-c", str(ROOT / "requirements/dev.txt")]
    subprocess.run([*uv, "pip", "install", "-q", *target, str(wheel), *more], check=True)
    return folder / "bin"
