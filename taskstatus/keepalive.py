"""The connections of those who poll again and again, between the server's requests.

A poll through ASGI costs the server a parsed request, a task, and all of an application around it.
One that comes again is the same but for its cursor (``repeat.py``), and by then everything about it
has been decided. So once a poll was answered in the ordinary way, its connection is taken from
uvicorn's protocol, by ``set_protocol()``, which is asyncio's. The next request is passed on, and
its bytes are remembered; those after it are answered here (``pollers.py``). Whatever is not this
very request goes back to uvicorn, as does the connection, and nobody can tell the difference.

This depends on how uvicorn's protocols and request cycles hang together. Where that can't be seen
(another server, another version, a middleware around the server's send) nothing is ever taken over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from taskstatus.access import Caller
from taskstatus.cycle import access_log_of, cycle_of, is_idle, server_of
from taskstatus.deadline import trusted_seconds
from taskstatus.drain import get_drain
from taskstatus.hub import get_hub
from taskstatus.limits import Counted
from taskstatus.pollers import Answer, Pollers, Question
from taskstatus.repeat import Repeat
from taskstatus.requests import StreamRequest

__all__ = ["KeepAlive", "take_over", "waited_seconds"]

logger = logging.getLogger(__name__)


class _Heard(NamedTuple):
    """What was received of a request, and how many seconds it had waited by then."""

    data: bytes
    waited: float


#: By uvicorn's request cycle: what it was made of, if it came through here.
_heard: WeakKeyDictionary[Any, _Heard] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the next request if it is the same as the last one."""

    repeat: Repeat
    pollers: Pollers
    counted: Counted
    #: When access is to be looked at again, by the event loop's clock.
    until: float
    #: Writes a line to the access log, where there is one: for a request with this status.
    log: Callable[[bytes, int], None] | None


def waited_seconds(scope: Any) -> float:
    """Return how long a request has waited here before it was handed to the server."""
    cycle = cycle_of(scope)
    heard = _heard.get(cycle) if hasattr(cycle, "on_response") else None
    return 0.0 if heard is None else heard.waited


def take_over(scope: Any, *, request: StreamRequest, caller: Caller) -> None:
    """Listen to the connection of a poll that was just answered in the ordinary way.

    ``scope`` is that of the poll, as the consumers see it. Does nothing where that can't be done.
    """
    cycle = cycle_of(scope)
    server = server_of(cycle)
    # Who does not wait wants to know what the store knows.
    if server is None or request.wait <= 0 or get_drain().begun or not is_idle(server, cycle):
        return
    heard = _heard.pop(cycle, None)
    known = None
    if heard is not None and request.after is not None:
        known = _know(heard.data, scope, cycle, request, request.after, caller)
    KeepAlive(server, known)


def _know(
    data: bytes, scope: Any, cycle: Any, request: StreamRequest, after: int, caller: Caller
) -> _Known | None:
    server = server_of(cycle)
    repeat = Repeat.of(data, cycle.scope, after)
    question = Question(
        request.types, request.wait, scope["taskstatus.headers"], server.server_state
    )
    pollers = Pollers.of(get_hub(), request.task_id, question)
    if repeat is None or pollers is None:
        return None
    return _Known(
        repeat=repeat,
        pollers=pollers,
        counted=Counted(caller),
        until=asyncio.get_running_loop().time() + trusted_seconds(caller),
        log=access_log_of(server, cycle.scope) if server.access_log else None,
    )


class KeepAlive(asyncio.Protocol):
    """Stands in for uvicorn's protocol between two of its requests.

    It has the connection from its making until it hands it back; of uvicorn's, which then goes on
    as if nothing had been, it keeps all promises meanwhile: the keep-alive timeout, the limits,
    the log, the order to shut down.
    """

    __slots__ = (
        "_at",
        "_data",
        "_known",
        "_loop",
        "_paused",
        "_rested_at",
        "_server",
        "_timer",
        "_transport",
        "_waiting",
        "after",
        "deadline",
    )

    def __init__(self, server: Any, known: _Known | None) -> None:
        self._server = server
        self._known = known
        self._transport = server.transport
        self._loop = asyncio.get_running_loop()
        self._paused = False
        #: For whom there is an answer to come: the request, when it came, what it asks.
        self._waiting: _Known | None = None
        self._data = b""
        self._at = self.deadline = 0.0
        self.after = 0
        self._timer: asyncio.TimerHandle | None = None
        server._unset_keepalive_if_required()
        self._rest()
        # Whoever is in this set is told when the server shuts down.
        server.server_state.connections.remove(server)
        server.server_state.connections.add(self)
        self._transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        """Answer the poll that comes again; let the server answer all else."""
        if self._waiting is None and self._known is not None and self._ask(self._known, data):
            return
        self.hand_back()
        self._pass_on(bytes(data), 0.0)

    def _ask(self, known: _Known, data: bytes) -> bool:
        after = known.repeat.after(data)
        if after is None or self._paused:
            return False
        now = self._loop.time()
        limit = self._server.limit_concurrency
        if (
            now >= known.until
            or known.counted.is_one_too_many
            or (limit is not None and len(self._server.server_state.connections) >= limit)
        ):
            return False
        self.after, self._data, self._at = after, data, now
        self._waiting = known
        known.counted.begin()
        if known.pollers.ask(self):
            return True
        self._stop_waiting()
        return False

    def _stop_waiting(self) -> _Known | None:
        known, self._waiting = self._waiting, None
        if known is not None:
            known.counted.end()
        return known

    def answer(self, answer: Answer) -> None:
        """Write the answer to the request that waits."""
        known = self._stop_waiting()
        if known is not None and known.log is not None:
            known.log(self._data, answer.status)
        try:
            self._transport.write(answer.response)
        except Exception as exc:  # noqa: BLE001 - of a loop's own; all others shall have theirs
            logger.info("An answer could not be written: %r", exc)
            self._transport.abort()
        self._rest()

    def hand_back(self) -> None:
        """Give the connection back to the server, and with it a request that waits."""
        waiting = self._stop_waiting()
        self._forget_timer()
        connections = self._server.server_state.connections
        connections.discard(self)
        connections.add(self._server)
        self._transport.set_protocol(self._server)
        if waiting is not None:
            waiting.pollers.forget(self)
            self._pass_on(self._data, self._loop.time() - self._at)

    def _pass_on(self, data: bytes, waited: float) -> None:
        before = self._server.cycle
        self._server.data_received(data)
        if self._server.cycle is not before:
            _heard[self._server.cycle] = _Heard(data, waited)

    def _rest(self) -> None:
        """Let the connection end when no other request comes for a while."""
        self._rested_at = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._server.timeout_keep_alive, self._look)

    def _look(self) -> None:
        # One timer for many requests: they come faster than it ends.
        self._timer = None
        left = self._rested_at + self._server.timeout_keep_alive - self._loop.time()
        if self._waiting is not None:
            return
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._server.timeout_keep_alive_handler()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def shutdown(self) -> None:
        """Let the server shut the connection down, as it does its own."""
        self.hand_back()
        self._server.shutdown()

    def eof_received(self) -> bool | None:
        """See asyncio."""
        keep_open: bool | None = self._server.eof_received()
        return keep_open

    def pause_writing(self) -> None:
        """See asyncio: a client that does not read what it has got is the server's affair."""
        self._paused = True
        self._server.pause_writing()

    def resume_writing(self) -> None:
        """See asyncio."""
        self._paused = False
        self._server.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        waiting = self._stop_waiting()
        if waiting is not None:
            waiting.pollers.forget(self)
        self._forget_timer()
        self._server.server_state.connections.discard(self)
        self._server.connection_lost(exc)
