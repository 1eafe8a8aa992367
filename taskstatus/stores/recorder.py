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
from weakref import ReferenceType, ref

import redis

from taskstatus.resp import pack
from taskstatus.stores import script

__all__ = ["Recorder"]

#: How the script is named to a Redis that knows it.
_KNOWN = ("EVALSHA", script.HASH)


class Recorder:
    """The connections of a pool. The main thread keeps one, since a task runs there by default.

    It survives a fork: the child makes one of its own.
    """

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        #: The main thread's connection, and the process that made it.
        self._own: tuple[int, Any] | None = None
        #: Whose answer is to come over it; dead when nobody can ask for that any more.
        self._under_way: ReferenceType[_Call] | None = None

    def send(self, keys: tuple[str, str], arguments: list[str | bytes]) -> Callable[[], str]:
        """Call the script; what this returns waits for the answer and gives it.

        Both raise what redis-py raises, and what a signal does. The answer may be asked for by any
        thread, one at a time, and again where that was interrupted. Until it has come, or is
        forgotten, whatever else is sent takes another connection, and is answered at once.
        """
        call = _Call(keys, arguments)
        if self._may_use_own():
            try:
                call.send(self._take_own(call))
            except redis.ConnectionError:
                self.close()
            except BaseException:
                self.close()
                raise
            else:
                return partial(self._receive, call)
        return partial(str, self._run(call))

    def _receive(self, call: _Call) -> str:
        if self._own is None or self._under_way is None or self._under_way() is not call:
            # Interrupted: it may have been done, and has a key by which it counts once.
            return self._run(call)
        try:
            answer = call.receive(self._own[1])
        except (redis.ConnectionError, redis.exceptions.NoScriptError):
            # Redis was restarted, before it had this or after.
            self.close()
            return self._run(call)
        except redis.ResponseError:
            self._under_way = None
            raise
        except BaseException:
            # A signal may have struck: the answer must not be there for the next call to read.
            self.close()
            raise
        self._under_way = None
        return answer

    def _run(self, call: _Call) -> str:
        connection: Any = self._pool.get_connection()
        try:
            return call.run(connection)
        except redis.ResponseError:
            raise
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self._pool.release(connection)

    def _may_use_own(self) -> bool:
        """Return whether this is the main thread, and its connection is free.

        It is not while an answer is to come, also in the midst of a call (what Python finalises
        then may call as well).
        """
        if threading.current_thread() is not threading.main_thread():
            return False
        if self._under_way is not None and self._under_way() is None:
            self.close()
        return self._under_way is None

    def _take_own(self, call: _Call) -> Any:
        self._under_way = ref(call)
        pid = os.getpid()
        if self._own is None or self._own[0] != pid:
            self._own = (pid, self._pool.get_connection())
        return self._own[1]

    def close(self) -> None:
        """Close the main thread's connection; it comes back when it is needed."""
        own, self._own, self._under_way = self._own, None, None
        if own is not None and own[0] == os.getpid():
            own[1].disconnect()
            self._pool.release(own[1])


class _Call:
    """One call of the script."""

    def __init__(self, keys: tuple[str, str], arguments: list[str | bytes]) -> None:
        self._words = ("2", *keys, *arguments)

    def send(self, connection: Any, how: tuple[str, str] = _KNOWN) -> None:
        connection.send_packed_command([pack(*how, *self._words)])

    def receive(self, connection: Any) -> str:
        return str(connection.read_response())

    def run(self, connection: Any) -> str:
        try:
            return self._ask(connection, _KNOWN)
        except redis.exceptions.NoScriptError:
            # Redis is new, or was restarted; from now on it knows the script.
            return self._ask(connection, ("EVAL", script.TEXT))

    def _ask(self, connection: Any, how: tuple[str, str]) -> str:
        try:
            self.send(connection, how)
            return self.receive(connection)
        except redis.ConnectionError:
            # Stale, if Redis was restarted: once more, at once. Not after a time-out: that would
            # take twice as long, and it may have been done.
            connection.disconnect()
            self.send(connection, how)
            return self.receive(connection)
