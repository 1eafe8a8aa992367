"""The servers that are compared, each in a process of its own on a free loopback port."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.cost import cpu_seconds, resident_bytes, settle
from config.demo.child import Child
from config.demo.redis_server import free_port

__all__ = ["HERE", "NCHAN_MODULE", "Server", "Servers"]

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
#: Where Debian's libnginx-mod-nchan puts it.
NCHAN_MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so"
START_SECONDS = 20.0
#: All clients of a crowd may come with one token, and stay as long as they are measured.
SETTINGS = {"MAX_CONNECTIONS_PER_CLIENT": 1_000_000, "MAX_STREAM_SECONDS": 3_600}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens."""

    child: Child
    port: int

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used so far."""
        return cpu_seconds(self.child.pid)

    def resident_bytes(self) -> int:
        """Return its resident memory."""
        return resident_bytes(self.child.pid)

    def settle(self) -> None:
        """Wait until it is idle."""
        settle(self.child.pid)


class Servers:
    """Starts servers on one Redis, and stops them all; access logs are off everywhere."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        self.redis_url = redis_url
        self._folder = folder
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def daphne(self) -> Server:
        """Start taskstatus on Daphne."""
        port = free_port()
        return self._python(_daphne(port, "tests.project.asgi:application"), port)

    def uvicorn(self, **settings: float) -> Server:
        """Start taskstatus on uvicorn, with these ``TASKSTATUS_…`` settings."""
        port = free_port()
        options = ["--log-level", "warning", "--no-access-log"]
        command = ["uvicorn", "--host", "127.0.0.1", "--port", str(port), *options]
        return self._python([*command, "tests.project.asgi:application"], port, **settings)

    def tutorial(self) -> Server:
        """Start the tutorial's design on Daphne."""
        port = free_port()
        return self._python(_daphne(port, "benchmarks.tutorial.asgi:application"), port)

    def socketio(self) -> Server:
        """Start Socket.IO on Node."""
        port = free_port()
        script = str(HERE / "socketio" / "server.js")
        return self._start(["node", script, str(port), self.redis_url], port, os.environ)

    def nchan(self) -> Server:
        """Start nginx with Nchan, one worker process."""
        port = free_port()
        folder = self._folder / f"nchan-{port}"
        folder.mkdir()
        template = (HERE / "nchan" / "nginx.conf").read_text()
        config = folder / "nginx.conf"
        values = {"MODULE": NCHAN_MODULE, "PORT": str(port), "FOLDER": str(folder)}
        for name, value in values.items():
            template = template.replace(name, value)
        config.write_text(template)
        return self._start(["nginx", "-p", str(folder), "-c", str(config)], port, os.environ)

    def _python(self, arguments: Sequence[str], port: int, **settings: float) -> Server:
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": self.redis_url,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TASKSTATUS_TEST_LAYER": "pubsub",
            "TASKSTATUS_TEST_SETTINGS": json.dumps(SETTINGS | settings),
        }
        return self._start([sys.executable, "-m", *arguments], port, env)

    def _start(self, command: Sequence[str], port: int, env: Mapping[str, str]) -> Server:
        log = self._folder / f"{Path(command[-1]).stem}-{port}.log"
        child = self._stack.enter_context(Child(command[0], command, log=log, env=env, cwd=ROOT))
        deadline = time.monotonic() + START_SECONDS
        while not _listens(port):
            if child.returncode is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(command)} does not listen:\n{child.tail()}")
            time.sleep(0.02)
        return Server(child, port)


def _daphne(port: int, application: str) -> list[str]:
    return ["daphne", "-v", "0", "--bind", "127.0.0.1", "--port", str(port), application]


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
