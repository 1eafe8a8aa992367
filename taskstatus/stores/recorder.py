"""How record.lua is run: in bytes of our own, over connections of redis-py's.

Every change pays for it. redis-py's way to run a command (pool, words one by one, retries, metrics)
takes a worker more than all else that a publish does; connections it makes well, of any URL.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import redis

from taskstatus.resp import pack
from taskstatus.stores import script

__all__ = ["Recorder"]


class Recorder:
    """The connections of a pool. The main thread keeps one, since a task runs there by default.

    It survives a fork: the child makes one of its own.
    """

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        #: The main thread's connection, and the process that made it.
        self._own: tuple[int, Any] | None = None

    def run(self, keys: tuple[str, str], arguments: list[str | bytes]) -> str:
        """Return what the script answers. Raises what redis-py raises, and what a signal does."""
        if threading.current_thread() is not threading.main_thread():
            connection = self._pool.get_connection()
            try:
                return _run(connection, keys, arguments)
            finally:
                self._pool.release(connection)
        try:
            return _run(self._own_connection(), keys, arguments)
        except redis.ResponseError:
            raise
        except BaseException:
            # A signal may have struck: the answer must not be there for the next call to read.
            self.close()
            raise

    def _own_connection(self) -> Any:
        pid = os.getpid()
        if self._own is None or self._own[0] != pid:
            self._own = (pid, self._pool.get_connection())
        return self._own[1]

    def close(self) -> None:
        """Close the main thread's connection; it comes back when it is needed."""
        own, self._own = self._own, None
        if own is not None and own[0] == os.getpid():
            own[1].disconnect()
            self._pool.release(own[1])


def _run(connection: Any, keys: tuple[str, str], arguments: list[str | bytes]) -> str:
    try:
        return _ask(connection, "EVALSHA", script.HASH, "2", *keys, *arguments)
    except redis.exceptions.NoScriptError:
        # Redis is new, or was restarted; from now on it knows the script.
        return _ask(connection, "EVAL", script.TEXT, "2", *keys, *arguments)


def _ask(connection: Any, *words: str | bytes) -> str:
    command = [pack(*words)]
    try:
        connection.send_packed_command(command)
        return str(connection.read_response())
    except redis.ConnectionError:
        # Stale, if Redis was restarted: once more, at once. Not after a time-out: that would take
        # twice as long, and it may have been done.
        connection.disconnect()
        connection.send_packed_command(command)
        return str(connection.read_response())
