"""A Redis that can be harmed: killed, hung, black-holed, and brought up again where it was."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import redis

from config.demo.redis_server import private_redis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.demo.redis_server import RedisServer

__all__ = ["Mortal"]


class Mortal:
    """One Redis at one URL, alive or not."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self.server: RedisServer = stack.enter_context(private_redis(real=True))
        self.url = self.server.url

    @property
    def client(self) -> redis.Redis:
        """A client of its own, for orders."""
        return redis.Redis.from_url(self.url, socket_timeout=5, decode_responses=True)

    def order(self, *words: str) -> Any:
        """Give it a command, while it lives."""
        with self.client as client:
            return client.execute_command(*words)

    @contextlib.contextmanager
    def hung(self) -> Iterator[None]:
        """Let it neither answer nor close anything."""
        os.kill(self.server.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.server.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def dead(self) -> Iterator[None]:
        """Kill it with all that it holds; then it comes up empty."""
        os.kill(self.server.pid, signal.SIGKILL)
        while self.server.child.returncode is None:
            time.sleep(0.005)
        parts = urlsplit(self.url)
        try:
            yield
        finally:
            self.server = self._stack.enter_context(
                private_redis(real=True, port=parts.port, password=parts.password)
            )

    @contextlib.contextmanager
    def black_holed(self) -> Iterator[None]:
        """Kill it, and let whoever wants to connect wait for an answer that never comes."""
        with self.dead(), socket.socket() as listener, contextlib.ExitStack() as waiting:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", urlsplit(self.url).port or 0))
            # Nobody accepts: once the queue is full the kernel drops what knocks.
            listener.listen(0)
            for _ in range(3):
                knock = waiting.enter_context(socket.socket())
                knock.setblocking(False)
                knock.connect_ex(listener.getsockname())
            yield
