"""What the WebSocket consumers share (PROTOCOL §4, RFC 6455)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from taskstatus import wire
from taskstatus.conf import settings
from taskstatus.consumers.base import Connection
from taskstatus.consumers.outlet import Gone
from taskstatus.exceptions import SlowReader, TaskStatusError
from taskstatus.handshakes import hasten_handshakes
from taskstatus.messages import Message
from taskstatus.pressure import linger, watch_frames
from taskstatus.problems import RESTARTING, problem_of

__all__ = ["ENDED", "HEARTBEAT", "SocketConsumer", "text_frame"]

logger = logging.getLogger(__name__)

ENDED = 1000
#: Past this a client's message is not even read to its end. Ours are smaller, but for the result.
MAX_MESSAGE_BYTES = 1_048_576
#: What a slow client may take to read as far as the close.
SLOW_CLOSE_SECONDS = 30.0


def text_frame(text: str) -> dict[str, Any]:
    """Return the ASGI message that sends a text."""
    return {"type": "websocket.send", "text": text}


HEARTBEAT = text_frame('{"type":"heartbeat"}')


class SocketConsumer(Connection, AsyncWebsocketConsumer):  # type: ignore[misc]
    """One connection, a text frame for each message, a close code that says why it ends.

    The connection is accepted before anything is decided: a browser can read the code of a close,
    but not the status of a refused handshake.
    """

    _write: wire.Write | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._closed = False

    async def serve(self) -> int:
        """Serve the connection; return the code with which to close it.

        A TaskStatusError that is raised becomes the code.
        """
        raise NotImplementedError

    async def connect(self) -> None:
        """Accept, and begin to serve."""
        send = self.scope.get("taskstatus.send")
        watch_frames(send, MAX_MESSAGE_BYTES + 2 * settings.MAX_RESULT_BYTES)
        hasten_handshakes(send)
        await self.accept()
        self.rest()
        self.work(self._serve())

    def writer(self) -> Callable[[Message], bool]:
        """Return what offers messages to the client, once the connection is accepted."""
        self._write = self.outlet.past_server(wire.frame_writer)
        return self._offer if self._write is None else self._push

    def _push(self, message: Message) -> bool:
        write = self._write
        return write is not None and write(message.frame or _encoded(message))

    def _offer(self, message: Message) -> bool:
        return self.outlet.offer(text_frame(message.json))

    async def websocket_disconnect(self, message: Any) -> None:
        """Stop: the connection is closed."""
        self._closed = True
        raise StopConsumer

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the connection, once."""
        if not self._closed:
            self._closed = True
            self.outlet.close()
            try:
                await super().close(code=code, reason=reason)
            except Exception as exc:  # noqa: BLE001 - servers raise what they like for a closed one
                logger.info("A WebSocket could not be closed: %r", exc)

    async def _serve(self) -> None:
        try:
            code = await self.serve()
        except SlowReader as error:
            # A client that still reads, if slowly, is to come as far as the close.
            await self.outlet.relief()
            linger(self.scope.get("taskstatus.send"), SLOW_CLOSE_SECONDS)
            code = problem_of(error).close_code
        except TaskStatusError as error:
            code = problem_of(error).close_code
        except Gone as error:
            logger.info("A WebSocket could not be written to: %r", error.__cause__)
            code = RESTARTING.close_code
        except Exception:
            logger.exception("A WebSocket for tasks failed")
            code = RESTARTING.close_code
        await self.end_with(self.close(code))


def _encoded(message: Message) -> bytes:
    """Return a message as a WebSocket frame, which is made once for all of its clients."""
    frame = message.frame = wire.text_frame(message.json.encode())
    return frame
