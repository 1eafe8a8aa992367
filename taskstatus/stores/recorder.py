"""How record.lua is run: in bytes of our own, over connections of redis-py's.

Every change pays for it. redis-py's way to run a command (pool, words one by one, retries, metrics)
takes a worker more than all else that a publish does; connections it makes well, of any URL.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import redis

from taskstatus.resp import pack
from taskstatus.stores import script

__all__ = ["Recorder"]

_Keys = tuple[str, str]
_Arguments = list[str | bytes]


class Recorder:
    """The connections of a pool. The main thread keeps one, since a task runs there by default.

    It survives a fork: the child makes one of its own.
    """

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        #: The main thread's connection, and the process that made it.
        self._own: tuple[int, Any] | None = None
        #: What was sent over it and has not been answered, and the process that sent it.
        self._open: tuple[int, _Arguments] | None = None

    def run(self, keys: _Keys, arguments: _Arguments) -> str:
        """Return what the script answers. Raises what redis-py raises, and what a signal does."""
        if not self._may_use_own():
            connection = self._pool.get_connection()
            try:
                return _run(connection, keys, arguments)
            finally:
                self._pool.release(connection)
        try:
            return _run(self._take_own(arguments), keys, arguments)
        except redis.ResponseError:
            raise
        except BaseException:
            # A signal may have struck: the answer must not be there for the next call to read.
            self.close()
            raise
        finally:
            self._open = None

    def send(self, keys: _Keys, arguments: _Arguments) -> Callable[[], str]:
        """Send what run() does; what this returns waits for the answer and ends as run() does.

        That may be called by any thread, one at a time, and again where it was interrupted. Until
        it has ended, whatever else is run takes another connection.
        """
        if not self._may_use_own():
            return partial(str, self.run(keys, arguments))
        try:
            self._take_own(arguments).send_packed_command([_command(keys, arguments)])
        except redis.ConnectionError:
            self.close()
            return partial(str, self.run(keys, arguments))
        except BaseException:
            self.close()
            raise
        return partial(self._receive, keys, arguments)

    def _receive(self, keys: _Keys, arguments: _Arguments) -> str:
        if self._own is None or self._open is None or self._open[1] is not arguments:
            # Interrupted: it may have been done, and has a key by which it counts once.
            return self.run(keys, arguments)
        try:
            return str(self._own[1].read_response())
        except (redis.ConnectionError, redis.exceptions.NoScriptError):
            # Redis was restarted, before it had this or after.
            self.close()
            return self.run(keys, arguments)
        except redis.ResponseError:
            raise
        except BaseException:
            self.close()
            raise
        finally:
            self._open = None

    def _may_use_own(self) -> bool:
        """Return whether this is the main thread, and nothing else uses its connection: an answer
        is waited for, or this has been called in the midst of another call, as a finaliser is."""
        is_free = self._open is None or self._open[0] != os.getpid()
        return is_free and threading.current_thread() is threading.main_thread()

    def _take_own(self, arguments: _Arguments) -> Any:
        pid = os.getpid()
        self._open = (pid, arguments)
        if self._own is None or self._own[0] != pid:
            self._own = (pid, self._pool.get_connection())
        return self._own[1]

    def close(self) -> None:
        """Close the main thread's connection; it comes back when it is needed."""
        own, self._own, self._open = self._own, None, None
        if own is not None and own[0] == os.getpid():
            own[1].disconnect()
            self._pool.release(own[1])


def _run(connection: Any, keys: _Keys, arguments: _Arguments) -> str:
    try:
        return _ask(connection, _command(keys, arguments))
    except redis.exceptions.NoScriptError:
        # Redis is new, or was restarted; from now on it knows the script.
        return _ask(connection, pack("EVAL", script.TEXT, "2", *keys, *arguments))


def _command(keys: _Keys, arguments: _Arguments) -> bytes:
    return pack("EVALSHA", script.HASH, "2", *keys, *arguments)


def _ask(connection: Any, command: bytes) -> str:
    try:
        connection.send_packed_command([command])
        return str(connection.read_response())
    except redis.ConnectionError:
        # Stale, if Redis was restarted: once more, at once. Not after a time-out: that would take
        # twice as long, and it may have been done.
        connection.disconnect()
        connection.send_packed_command([command])
        return str(connection.read_response())
