"""Daphne's checkers look at streams that are open and quiet when something is due, and only then.

Every second Daphne goes through all connections for applications that have ended, and every two
for timeouts and pings: with ten thousand of them a third of what an idle process does. Its checkers
go on as they are, but of ``server.connections`` they are shown a part: an open stream of ours can
have nothing to be cleaned up, and its next ping has a date.

Whatever looks different from what is known of Daphne is left alone.
"""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any

from taskstatus.daphne import protocol_behind

__all__ = ["Connections", "check_always", "check_when_due"]


class Connections(dict[Any, dict[str, Any]]):
    """A server's connections, by protocol. ``items()`` and ``keys()`` are the checkers' view.

    A connection rests from ``rest()`` until ``rouse()``, or until it is closed.
    """

    def __init__(self, server: Any) -> None:
        super().__init__(server.connections)
        self._server = server
        #: In the order in which they came.
        self._restless: dict[Any, None] = dict.fromkeys(server.connections)
        #: Those at rest, with the second at which something is due, if ever.
        self._resting: dict[Any, int | None] = {}
        self._due: dict[int, set[Any]] = {}
        #: Those whose next date is known only once Daphne has looked at them.
        self._shown: list[Any] = []
        server.protocol_disconnected = partial(self._leave, server.protocol_disconnected)

    def __setitem__(self, protocol: Any, details: dict[str, Any]) -> None:
        super().__setitem__(protocol, details)
        self.rouse(protocol)

    def __delitem__(self, protocol: Any) -> None:
        super().__delitem__(protocol)
        self._forget(protocol)
        _let_go(protocol)

    def items(self) -> list[tuple[Any, dict[str, Any]]]:  # type: ignore[override]
        """Return those whose application may have ended, or has to: for application_checker()."""
        return [(protocol, self[protocol]) for protocol in self._restless]

    def keys(self) -> list[Any]:  # type: ignore[override]
        """Return those that may have timed out, or want a ping: for timeout_checker()."""
        for protocol in self._shown:
            if protocol in self._resting:
                self._note(protocol)
        now = time.time()
        self._shown = [
            protocol
            for second in [second for second in self._due if second <= now]
            for protocol in self._due.pop(second)
        ]
        return [*self._restless, *self._shown]

    def rest(self, protocol: Any) -> None:
        """Show this connection when something is due, if it is there still."""
        if "disconnected" not in self.get(protocol, {"disconnected": 0}):
            self._forget(protocol)
            self._note(protocol)

    def rouse(self, protocol: Any) -> None:
        """Show this connection always, if it is still there."""
        self._forget(protocol)
        if protocol in self:
            self._restless[protocol] = None

    def _leave(self, disconnected: Any, protocol: Any) -> None:
        """Do what Daphne does for a connection that is closed."""
        self.rouse(protocol)
        disconnected(protocol)

    def _note(self, protocol: Any) -> None:
        due = _due_at(self._server, protocol)
        second = self._resting[protocol] = math.ceil(due) if due < math.inf else None
        if second is not None:
            self._due.setdefault(second, set()).add(protocol)

    def _forget(self, protocol: Any) -> None:
        self._restless.pop(protocol, None)
        second = self._resting.pop(protocol, None)
        if second in self._due:
            self._due[second].discard(protocol)


def check_when_due(send: Any) -> None:
    """Have Daphne look at a connection when something is due: its stream is open.

    ``send`` is the server's own ASGI ``send``. Where it is not Daphne's, nothing happens.
    """
    server, protocol = _daphne_s(send)
    try:
        _due_at(server, protocol)
        if type(server.connections) is dict:
            server.connections = Connections(server)
        server.connections.rest(protocol)
    except AttributeError:
        # Another server, or another Daphne.
        return


def check_always(send: Any) -> None:
    """Have Daphne look at a connection all the time, as it would by itself: its stream ends."""
    server, protocol = _daphne_s(send)
    connections = getattr(server, "connections", None)
    if isinstance(connections, Connections):
        connections.rouse(protocol)


def _daphne_s(send: Any) -> tuple[Any, Any]:
    """Return the server and the protocol behind Daphne's ``send``, None and None behind another."""
    protocol = protocol_behind(send)
    return (None if protocol is None else getattr(send.func, "__self__", None)), protocol


def _let_go(protocol: Any) -> None:
    """Free what Daphne has let go, where it would wait for Python's collector.

    The request of which a WebSocket was made is held by its channel, and that by Twisted's
    connection, for as long as it is open; a WebSocket that is closed is held by its own news of it.
    """
    requests = getattr(getattr(protocol, "channel", None), "requests", None)
    if requests == [protocol] and protocol.transport is None:
        requests.clear()
    closed: Any = getattr(protocol, "is_closed", None)
    if hasattr(closed, "result") and closed.result is protocol:
        protocol.is_closed = None


def _due_at(server: Any, protocol: Any) -> float:
    """Return when ``protocol.check_timeouts()`` has something to do for an open stream.

    Raises AttributeError where that can't be told.
    """
    if protocol.check_timeouts and hasattr(protocol, "last_ping"):
        ping: float = protocol.last_ping + server.ping_interval
        most: float = server.websocket_timeout
        return min(ping, protocol.socket_opened + most) if most >= 0 else ping
    timeout: float = server.http_timeout or math.inf
    began: float = protocol.request_start
    return began + timeout
