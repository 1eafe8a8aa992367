"""Opening handshakes, plain and otherwise."""

from __future__ import annotations

__all__ = ["FROM_A_BROWSER", "PLAIN", "handshake"]

TARGET = b"/ws/task_status/3f0c7a8e-7f5e-4d43-9d0e-2d3f4a5b6c7d/?token=eyJ0.x-y:z_%3D&after=17"
_PLAIN = {
    b"Host": b"example.com:8000",
    b"Upgrade": b"websocket",
    b"Connection": b"Upgrade",
    b"Sec-WebSocket-Version": b"13",
    b"Sec-WebSocket-Key": b"dGhlIHNhbXBsZSBub25jZQ==",
}


def handshake(
    *more: bytes, target: bytes = TARGET, line: bytes = b"GET %b HTTP/1.1", **other: bytes | None
) -> bytes:
    """Return a request for a WebSocket, with more lines, and with other values for headers
    whose name is given with underscores; None leaves one out."""
    values = {name.replace("_", "-").lower().encode(): value for name, value in other.items()}
    lines = [line.replace(b"%b", target)]
    for name, value in _PLAIN.items():
        said = values.get(name.lower(), value)
        lines += [] if said is None else [name + b": " + said]
    return b"\r\n".join([*lines, *more, b"", b""])


PLAIN = handshake()
FROM_A_BROWSER = handshake(
    b"Pragma: no-cache",
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/142.0",
    b"Origin: http://example.com:8000",
    b"Cookie: csrftoken=a1; sessionid=b2",
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    connection=b"keep-alive, Upgrade",
)
