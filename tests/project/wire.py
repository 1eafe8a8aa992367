"""An ASGI application that sends past its server and through it, in turns. Never for production."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from taskstatus.wire import body_chunk, chunk_writer, frame_writer, text_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ROUNDS", "application", "lines"]

ROUNDS = 50
#: All is with the server when its send returns.
FREE = SimpleNamespace(free=True)


def lines() -> Iterator[str]:
    """Yield what is sent, in order."""
    for number in range(ROUNDS):
        yield f"{number} " + "é" * (number * 40)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Say first whether there is a way past the server."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        write = frame_writer(send, FREE)
        await send({"type": "websocket.send", "text": f"{write is not None}"})
        for number, line in enumerate(lines()):
            if write is None or number % 2:
                await send({"type": "websocket.send", "text": line})
            else:
                assert write(text_frame(line.encode()))
        await send({"type": "websocket.close", "code": 1000})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        part = {"type": "http.response.body", "more_body": True}
        await send({**part, "body": b"begun\n"})
        write = chunk_writer(send, FREE)
        await send({**part, "body": f"{write is not None}\n".encode()})
        for number, line in enumerate(lines()):
            body = f"{line}\n".encode()
            if write is None or number % 2:
                await send({**part, "body": body})
            else:
                assert write(body_chunk(body))
        await send({"type": "http.response.body", "body": b""})
