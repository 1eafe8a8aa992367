"""A WebSocket client that sends what it is told to, byte for byte, and understands closes alone."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

from tests.acceptance.faults.wire import close_code

__all__ = ["CUT", "SERVED", "RawWebSocket"]

#: Not closed: the client has done nothing wrong, and is still served.
SERVED = 0
#: Cut without a close frame, which RFC 6455 §7.1.7 lets a server do.
CUT = -1
#: A connection may be one in the client's eyes alone: then its request is never answered.
HANDSHAKE_SECONDS = 20


class RawWebSocket:
    """A connection that has shaken hands, by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.raw = b""

    @classmethod
    async def connect(cls, url: str, target: str) -> RawWebSocket:
        """Shake hands."""
        address = urlsplit(url)
        opened = cls(*await asyncio.open_connection(address.hostname, address.port))
        opened.writer.write(
            f"GET {target} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                opened.raw = await opened.reader.readuntil(b"\r\n\r\n")
        except BaseException:
            opened.writer.transport.abort()
            raise
        return opened

    async def send(self, data: bytes) -> None:
        """Send what the server may not care to read to its end."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def read(self, *, until: bytes = b"") -> int:
        """Read to the close, or until something is said; return the close code, CUT, or SERVED."""
        while not (code := close_code(self.raw)) and not (until and until in self.raw):
            chunk = b""
            with contextlib.suppress(ConnectionError):
                chunk = await self.reader.read(65_536)
            if not chunk:
                return CUT
            self.raw += chunk
        return code or SERVED
