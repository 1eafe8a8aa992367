"""On uvicorn, a WebSocket's opening handshake is read at one go.

What uvicorn's parser, which is in C, has read of a request for a WebSocket is written down again
for the parser of websockets, which is in Python and makes objects of the request and of the answer:
half of what accepting a WebSocket costs. Here an opening handshake of the ordinary kind is read
once more, but at one go, and answered in a line.

This depends on names of uvicorn's and websockets'; where they are others, all stays as it is.
"""

from __future__ import annotations

import logging
import sys
from base64 import b64encode
from hashlib import sha1
from typing import Any
from urllib.parse import unquote

from taskstatus.handshakes.opening import Opening, read_opening

__all__ = ["hasten"]

_MODULE = "uvicorn.protocols.websockets.websockets_sansio_impl"
#: What a connection must have, and websockets' part of it.
_NAMES = (
    "app_state",
    "conn",
    "default_headers",
    "disconnected",
    "handshake_initiated",
    "initial_response",
    "loop",
    "on_task_complete",
    "queue",
    "request",
    "root_path",
    "run_asgi",
    "scope",
    "start_keepalive",
    "tasks",
)
_NAMES_OF_CONN = ("extensions", "parse", "parser", "process_extensions", "state")
#: RFC 6455 §1.3.
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\n"
)


def hasten(protocol: Any) -> None:
    """Let the next WebSockets of a server be accepted so; ``protocol`` is uvicorn's for one."""
    made = type(protocol)
    config: Any = getattr(protocol, "config", None)
    # Another server, another version, or done before: there is nothing to do.
    of_config = getattr(config, "ws_protocol_class", None) is made and not hasattr(made, "answer")
    if made.__module__ == _MODULE and of_config and _is_known(protocol):
        config.ws_protocol_class = _hastened(made, protocol.scope["asgi"])


def _is_known(protocol: Any) -> bool:
    """Return whether a connection has what is used here, and told the application what we would."""
    has_names = all(hasattr(protocol, name) for name in _NAMES)
    if not has_names or not all(hasattr(protocol.conn, name) for name in _NAMES_OF_CONN):
        return False
    path, _, query = _bytes(protocol.request.path).partition(b"?")
    lines = protocol.request.headers.raw_items()
    headers = {_bytes(name.lower()): _bytes(value) for name, value in lines}
    scope = _scope(protocol, Opening(path, query, headers), protocol.scope["asgi"])
    # Behind a proxy these two are what it says.
    del scope["client"], scope["scheme"]
    return bool(scope.items() <= protocol.scope.items())


def _bytes(text: str) -> bytes:
    """Return what was received as this text, another thing where it was not in ASCII."""
    return text.encode("ascii", "replace")


def _hastened(made: Any, asgi: dict[str, str]) -> Any:
    """Return the class for a WebSocket of uvicorn's that is read at one go."""

    class Hastened(made):  # type: ignore[misc]
        #: The answer to the handshake, until it is sent.
        answer: bytes | None = None

        def data_received(self, data: bytes) -> None:
            opening = None if self.handshake_initiated else read_opening(data)
            if opening is None:
                super().data_received(data)
            else:
                self.answer = _answer(self.conn, opening)
                self.scope = _scope(self, opening, asgi)
                _begin(self)

        async def send(self, message: Any) -> None:
            answer, self.answer = self.answer, None
            if answer is None or message["type"] != "websocket.accept" or self.disconnected:
                await super().send(message)
            elif not self.transport.is_closing():
                _accept(self, answer, message)

    # By name it is the class that it was: others look at it.
    Hastened.__name__, Hastened.__qualname__ = made.__name__, made.__qualname__
    Hastened.__module__ = made.__module__
    return Hastened


def _answer(connection: Any, opening: Opening) -> bytes:
    """Return the head of the answer, and set the extensions that it tells of."""
    headers = opening.headers
    key = sha1(headers[b"sec-websocket-key"] + _MAGIC, usedforsecurity=False)
    answer = _ACCEPTED % b64encode(key.digest())
    offered = headers.get(b"sec-websocket-extensions")
    if offered is not None:
        make: Any = sys.modules[_MODULE]
        asked = make.Headers([("Sec-WebSocket-Extensions", offered.decode())])
        accepted, connection.extensions = connection.process_extensions(asked)
        if accepted is not None:
            answer += b"Sec-WebSocket-Extensions: %b\r\n" % accepted.encode()
    # What comes next are frames.
    connection.parser = super(type(connection), connection).parse()
    next(connection.parser)
    return answer


def _scope(protocol: Any, opening: Opening, asgi: dict[str, str]) -> dict[str, Any]:
    """Return what uvicorn tells an application of a WebSocket."""
    root = protocol.root_path
    return {
        "type": "websocket",
        "asgi": asgi.copy(),
        "http_version": "1.1",
        "scheme": protocol.scheme,
        "server": protocol.server,
        "client": protocol.client,
        "root_path": root,
        "path": root + unquote(opening.path.decode("ascii")),
        "raw_path": root.encode("ascii") + opening.path,
        "query_string": opening.query,
        "headers": list(opening.headers.items()),
        "subprotocols": [],
        "state": protocol.app_state.copy(),
        "extensions": {"websocket.http.response": {}},
    }


def _begin(protocol: Any) -> None:
    """Call the application, as uvicorn does once it has a request that is valid."""
    protocol.handshake_initiated = True
    protocol.queue.put_nowait({"type": "websocket.connect"})
    task = protocol.loop.create_task(protocol.run_asgi())
    task.add_done_callback(protocol.on_task_complete)
    protocol.tasks.add(task)


def _accept(protocol: Any, answer: bytes, message: Any) -> None:
    """Answer, as uvicorn does where the application accepts."""
    if protocol.logger.isEnabledFor(logging.INFO):
        say: Any = sys.modules[_MODULE]
        client, path = say.get_client_addr(protocol.scope), say.get_path_with_query_string
        protocol.logger.info('%s - "WebSocket %s" [accepted]', client, path(protocol.scope))
        protocol.logger.info("connection open")
    headers = [*protocol.default_headers, *message.get("headers", ())]
    if message.get("subprotocol"):
        headers.append((b"Sec-WebSocket-Protocol", message["subprotocol"].encode()))
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    protocol.handshake_complete = True
    protocol.conn.state = type(protocol.conn.state).OPEN
    protocol.transport.write(answer + lines + b"\r\n")
    protocol.start_keepalive()
