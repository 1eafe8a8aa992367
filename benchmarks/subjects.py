"""What is compared: a server, a transport, and a source of events, by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import HERE, NCHAN_MODULE, Server, Servers
from benchmarks.sources import (
    NchanSource,
    SocketIoSource,
    Source,
    TaskstatusSource,
    TutorialSource,
)

__all__ = ["NAMES", "Subject", "missing_peers", "start_subjects"]


@dataclass(frozen=True, slots=True)
class Subject:
    """One design on one transport, running in a server of its own."""

    name: str
    #: Which of ``clients.CLIENTS`` speaks to it.
    transport: str
    server: Server
    source: Source


Start = Callable[[Servers, str], Subject]


def _ours(server: str, transport: str) -> Start:
    def start(servers: Servers, name: str) -> Subject:
        running: Server = getattr(servers, server)()
        return Subject(name, transport, running, TaskstatusSource(transport))

    return start


def _nchan(transport: str) -> Start:
    def start(servers: Servers, name: str) -> Subject:
        running = servers.nchan()
        return Subject(name, transport, running, NchanSource(running.port))

    return start


def _tutorial(servers: Servers, name: str) -> Subject:
    return Subject(name, "websocket", servers.tutorial(), TutorialSource(servers.redis_url))


def _socketio(servers: Servers, name: str) -> Subject:
    return Subject(name, "socketio", servers.socketio(), SocketIoSource(servers.redis_url))


_STARTS: dict[str, Start] = {
    "tutorial": _tutorial,
    "daphne-ws": _ours("daphne", "websocket"),
    "daphne-sse": _ours("daphne", "sse"),
    "daphne-poll": _ours("daphne", "longpoll"),
    "uvicorn-ws": _ours("uvicorn", "websocket"),
    "uvicorn-sse": _ours("uvicorn", "sse"),
    "uvicorn-poll": _ours("uvicorn", "longpoll"),
    "socketio": _socketio,
    "nchan-ws": _nchan("websocket"),
    "nchan-sse": _nchan("sse"),
    "nchan-poll": _nchan("nchan-longpoll"),
}
NAMES = tuple(_STARTS)


def missing_peers() -> dict[str, str]:
    """Return the peers that can't be run here, and what to install for them."""
    missing = {}
    if not shutil.which("node"):
        missing["socketio"] = "Socket.IO needs Node 18 or later"
    elif not (HERE / "socketio" / "node_modules" / "socket.io").exists():
        missing["socketio"] = "Socket.IO is not installed: npm ci --prefix benchmarks/socketio"
    if not shutil.which("nginx") or not Path(NCHAN_MODULE).exists():
        missing["nchan"] = "Nchan is not installed: apt install nginx libnginx-mod-nchan"
    return missing


def start_subjects(servers: Servers, names: list[str]) -> Iterator[Subject]:
    """Start each of these that can be run here, in the order of NAMES."""
    missing = missing_peers()
    for name, start in _STARTS.items():
        if name in names and name.partition("-")[0] not in missing:
            yield start(servers, name)
