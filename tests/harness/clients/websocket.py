"""Reads a task's stream over a WebSocket."""

from __future__ import annotations

from typing import ClassVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.harness.clients.base import Client, End, Ended, ProtocolViolation, StreamEnded
from tests.harness.clients.http import REASONS
from tests.harness.clients.message import Message

__all__ = ["WebSocketClient"]

CLOSE_REASONS = {
    1000: End.TERMINAL,
    1001: End.COME_BACK,
    1012: End.COME_BACK,
    4400: End.BAD_REQUEST,
    4403: End.FORBIDDEN,
    4404: End.UNKNOWN,
    4408: End.TOO_SLOW,
    4412: End.COME_BACK,
    4429: End.TOO_MANY,
}


class WebSocketClient(Client):
    """A client that sends nothing of its own accord."""

    transport: ClassVar[str] = "websocket"
    prefix: ClassVar[str] = "ws"
    _connection: ClientConnection | None = None
    _refusal: Ended | None = None

    async def _open(self) -> None:
        url = f"ws{self.base_url.removeprefix('http')}{self.path}"
        try:
            self._connection = await connect(
                url, additional_headers=self.headers, proxy=None, compression=None, close_timeout=2
            )
        except InvalidStatus as refusal:
            response = refusal.response
            self._refusal = Ended(
                reason=REASONS.get(response.status_code, End.CUT),
                code=response.status_code,
                headers={key.lower(): value for key, value in response.headers.raw_items()},
                body=bytes(response.body or b""),
            )

    async def send(self, frame: str | bytes) -> None:
        """Send a frame, text or binary."""
        assert self._connection is not None, "the connection was refused"
        await self._connection.send(frame)

    async def _read(self) -> Message:
        if self._connection is None:
            assert self._refusal is not None
            raise StreamEnded(self._refusal)
        try:
            frame = await self._connection.recv()
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            reason = CLOSE_REASONS.get(code, End.CUT)
            raise StreamEnded(Ended(reason=reason, code=code, headers={})) from None
        if not isinstance(frame, str):
            raise ProtocolViolation(f"a binary frame: {frame[:80]!r}")
        return Message.from_json(frame)

    async def _close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
