"""Ready-to-paste command lines that follow one task."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

__all__ = ["Lines", "lines_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """One command line per transport."""

    sse: str
    longpoll: str
    websocket: str


def lines_for(task_id: str, token: str, *, origin: str, python: str = "python") -> Lines:
    """
    Return the lines for a task on the server of that origin (``http://host:port``).

    The one for the WebSocket needs the websockets package, which the demo installs.
    """
    name = quote(task_id, safe="")
    query = urlencode({"types": "status,log", "token": token}, safe=",:")
    socket = origin.replace("http", "ws", 1)
    url = f"{socket}/ws/task_status/{name}/?{query}"
    imports = "from websockets.sync.client import connect"
    program = f'{imports}; [print(message) for message in connect("{url}")]'
    return Lines(
        sse=f"curl -N '{origin}/sse/task_status/{name}/?{query}'",
        longpoll=f"curl '{origin}/poll/task_status/{name}/?{query}'",
        websocket=f"{python} -u -c '{program}'",
    )
