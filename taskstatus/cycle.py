"""uvicorn's objects for a connection and for one request, as far as they are known here.

Its HTTP protocols (httptools, h11) have the same names for what is needed. Where one is missing, a
server is none that is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

__all__ = ["access_log_of", "cycle_of", "is_idle", "server_of"]

#: What has to be there, by its names in uvicorn.
_CYCLE = ("keep_alive", "response_complete", "scope")
_SERVER = (
    "_unset_keepalive_if_required",
    "access_log",
    "access_logger",
    "cycle",
    "flow",
    "limit_concurrency",
    "scope",
    "server_state",
    "shutdown",
    "timeout_keep_alive",
    "timeout_keep_alive_handler",
    "timeout_keep_alive_task",
    "transport",
)
_ACCESS_LINE = '%s - "%s %s HTTP/%s" %d'


def cycle_of(scope: Any) -> Any:
    """Return the server's object for one request, None where its send is no method of one."""
    return getattr(scope.get("taskstatus.send"), "__self__", None)


def server_of(cycle: Any) -> Any:
    """Return uvicorn's protocol behind one of its request cycles, None for anything else."""
    server = getattr(getattr(cycle, "on_response", None), "__self__", None)
    known = all(hasattr(cycle, name) for name in _CYCLE) and all(
        hasattr(server, name) for name in _SERVER
    )
    return server if known else None


def is_idle(server: Any, cycle: Any) -> bool:
    """Return whether a connection is all answered, and nothing more has come."""
    return bool(
        server.transport.get_protocol() is server
        and not server.transport.is_closing()
        and server in server.server_state.connections
        and cycle.response_complete
        and cycle.keep_alive
        and server.cycle is cycle
        # With the first byte of another request there is another scope, or no such timer.
        and server.scope is cycle.scope
        and server.timeout_keep_alive_task is not None
        and not (hasattr(server, "conn") and server.conn.trailing_data[0])
        and not server.flow.read_paused
        and not server.flow.write_paused
    )


def access_log_of(server: Any, scope: Any) -> Callable[[bytes, int], None]:
    """Return what writes the line that uvicorn writes to its access log."""
    client = "{}:{}".format(*scope["client"]) if scope.get("client") else ""
    path = quote(scope["path"])

    def log(request: bytes, status: int) -> None:
        query = request[request.index(b"?") : request.index(b" HTTP/1.1\r\n")].decode("ascii")
        server.access_logger.info(_ACCESS_LINE, client, "GET", path + query, "1.1", status)

    return log
