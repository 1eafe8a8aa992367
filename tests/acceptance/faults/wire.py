"""Raw requests, byte for byte: what no client library would send."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PREFIXES", "Answer", "ask", "close_code"]

#: The paths of the three transports, and of the snapshot.
PREFIXES = {"websocket": b"/ws", "sse": b"/sse", "longpoll": b"/poll", "snapshot": b""}
#: How long an answer may be silent before it counts as a stream that goes on.
LULL_SECONDS = 0.4
#: What a close without a code counts as (RFC 6455 §7.1.5).
NO_CODE = 1005


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    #: The close code of a WebSocket, else 0.
    close: int
    raw: bytes

    @property
    def head(self) -> dict[str, str]:
        """The headers, by lower-case name."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(": ") for line in lines)
        return {name.lower(): value for name, _, value in pairs}

    @property
    def body(self) -> bytes:
        """What follows the headers."""
        return self.raw.partition(b"\r\n\r\n")[2]


async def ask(
    url: str,
    transport: str,
    target: bytes,
    *,
    method: bytes = b"GET",
    headers: Mapping[bytes, bytes] | None = None,
    extra: bytes = b"",
) -> Answer:
    """Send one request for ``target`` (path and query, after the transport's prefix)."""
    address = urlsplit(url)
    known = {b"Host": address.netloc.encode()}
    if transport == "websocket":
        known |= {
            b"Connection": b"Upgrade",
            b"Upgrade": b"websocket",
            b"Sec-WebSocket-Version": b"13",
            b"Sec-WebSocket-Key": b"dGhlIHNhbXBsZSBub25jZQ==",
        }
    lines = [name + b": " + value for name, value in (known | dict(headers or {})).items()]
    request = method + b" " + PREFIXES[transport] + target + b" HTTP/1.1\r\n"
    request += b"\r\n".join(lines) + b"\r\n" + extra + b"\r\n"
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(request)
    try:
        raw = await _read(reader)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return Answer(_status(raw), close_code(raw) if transport == "websocket" else 0, raw)


async def _read(reader: asyncio.StreamReader) -> bytes:
    raw = b""
    # The first byte may take its time (a long-poll that waits has no business here).
    lull = 10.0
    with contextlib.suppress(TimeoutError, ConnectionError):
        while chunk := await asyncio.wait_for(reader.read(65_536), lull):
            raw += chunk
            lull = LULL_SECONDS
            if _is_whole(raw):
                break
    return raw


def _is_whole(raw: bytes) -> bool:
    head, end, body = raw.partition(b"\r\n\r\n")
    if not end:
        return False
    if head.startswith(b"HTTP/1.1 101"):
        return close_code(raw) != 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return body.endswith(b"0\r\n\r\n")


def _status(raw: bytes) -> int:
    return int(raw[9:12]) if raw.startswith(b"HTTP/1.1 ") else 0


def close_code(raw: bytes) -> int:
    """Return the code of the first close frame after the head, 0 without one."""
    frames = raw.partition(b"\r\n\r\n")[2]
    while len(frames) >= 2:
        length, offset = frames[1] & 0x7F, 2
        if length == 126 and len(frames) >= 4:
            (length,), offset = struct.unpack_from("!H", frames, 2), 4
        if frames[0] & 0x0F == 8 and not length:
            return NO_CODE
        if frames[0] & 0x0F == 8 and len(frames) >= 4:
            return int(struct.unpack_from("!H", frames, offset)[0])
        frames = frames[offset + length :]
    return 0
