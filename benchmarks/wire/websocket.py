"""WebSocket as a client speaks it that has no time to lose (RFC 6455)."""

from __future__ import annotations

__all__ = ["CLOSE", "PING", "PONG", "TEXT", "FrameParser", "frame", "handshake"]

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
_FINAL = 0x80
_MASKED = 0x80
# A mask of zeros leaves the payload as it is; a server can't tell it from any other.
_MASK = bytes(4)
_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def handshake(host: str, path: str) -> bytes:
    """Return the request that opens a connection (§4.1)."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY.decode()}\r\n\r\n"
    ).encode()


def frame(opcode: int, payload: bytes = b"") -> bytes:
    """Return a client's frame of at most 125 bytes (§5.2)."""
    if len(payload) > 125:
        raise ValueError("a longer frame is not needed here")
    return bytes((_FINAL | opcode, _MASKED | len(payload))) + _MASK + payload


class FrameParser:
    """Takes a server's bytes in chunks of any size, gives whole frames."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return (opcode, payload) of each frame that this chunk completes.

        Raises ValueError for a masked frame and for a fragment: no server here sends those.
        """
        if self._rest:
            data = self._rest + data
        frames: list[tuple[int, bytes]] = []
        start, end = 0, len(data)
        while end - start >= 2:
            first, size = data[start], data[start + 1]
            body = start + 2
            if size == 126:
                body += 2
            elif size == 127:
                body += 8
            elif size > 127:
                raise ValueError("a server masks nothing")
            if body > end:
                break
            if body - start > 2:
                size = int.from_bytes(data[start + 2 : body])
            if body + size > end:
                break
            if first < _FINAL or first == _FINAL:
                raise ValueError("a fragment")
            frames.append((first & 15, data[body : body + size]))
            start = body + size
        self._rest = data[start:]
        return frames
