"""On what the figures were measured: the machine and the versions, nothing that names them."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from redis import Redis

from benchmarks.servers import HERE

__all__ = ["about"]

PACKAGES = (
    *("django", "channels", "channels-redis", "redis", "celery"),
    *("daphne", "twisted", "uvicorn", "uvloop", "websockets"),
)
#: How each peer says its version.
PROGRAMS: dict[str, Sequence[str]] = {
    "Node": ("node", "--version"),
    "nginx": ("nginx", "-v"),
    "Nchan": ("dpkg-query", "-W", "-f=${Version}", "libnginx-mod-nchan"),
}
_VERSION = re.compile(r"(?:\d+:)?(\d+(?:\.\d+)+)")


def about(redis_url: str) -> dict[str, str]:
    """Return what the report says of itself."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    with Redis.from_url(redis_url) as client:
        server: dict[str, str] = client.info("server")
    versions = {"Redis": server["redis_version"]}
    versions |= {package: version(package) for package in PACKAGES}
    for name, command in PROGRAMS.items():
        if found := _version_of(command):
            versions[name] = found
    socketio = HERE / "socketio" / "node_modules" / "socket.io" / "package.json"
    if socketio.exists():
        versions["Socket.IO"] = json.loads(socketio.read_text())["version"]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {model[1] if model else platform.machine()}",
        "system": f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}",
        "load": f"{os.getloadavg()[1]:.1f}",
        "versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
    }


def _version_of(command: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    found = _VERSION.search(done.stdout + done.stderr)
    return found[1] if found else None
