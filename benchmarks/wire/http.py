"""HTTP/1.1 responses on a connection that stays open (RFC 9112)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["END", "Head", "ResponseParser", "get"]


def get(host: str, path: str, headers: str = "") -> bytes:
    """Return a GET request; each of the further headers ends with CR LF."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode()


@dataclass(frozen=True, slots=True)
class Head:
    """The status and the headers of a response, names in lower case."""

    status: int
    headers: dict[bytes, bytes]


class _End:
    """A response is whole."""


END = _End()


class ResponseParser:
    """Takes bytes in chunks of any size; gives heads, parts of bodies, and ends."""

    __slots__ = ("_left", "_rest", "_step")

    def __init__(self) -> None:
        self._rest = b""
        self._left = 0
        self._step: Callable[[list[Head | bytes | _End]], bool] = self._head

    def feed(self, data: bytes) -> list[Head | bytes | _End]:
        """Return what this chunk brings, in order. A body without a length has no end."""
        self._rest += data
        items: list[Head | bytes | _End] = []
        while self._step(items):
            pass
        return items

    def _head(self, items: list[Head | bytes | _End]) -> bool:
        end = self._rest.find(b"\r\n\r\n")
        if end < 0:
            return False
        status_line, *lines = self._rest[:end].split(b"\r\n")
        self._rest = self._rest[end + 4 :]
        pairs = (line.partition(b":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        status = int(status_line[9:12])
        items.append(Head(status, headers))
        if headers.get(b"transfer-encoding") == b"chunked":
            self._step = self._chunk
        elif b"content-length" in headers or status in {204, 304}:
            bodiless = status in {204, 304}
            self._left = 0 if bodiless else int(headers[b"content-length"])
            self._step = self._body
        else:
            self._step = self._until_closed
        return True

    def _body(self, items: list[Head | bytes | _End]) -> bool:
        if len(self._rest) < self._left:
            return False
        items += [self._rest[: self._left], END]
        self._rest = self._rest[self._left :]
        self._step = self._head
        return bool(self._rest)

    def _chunk(self, items: list[Head | bytes | _End]) -> bool:
        line = self._rest.find(b"\r\n")
        if line < 0:
            return False
        size = int(self._rest[:line], 16)
        stop = line + 2 + size
        if len(self._rest) < stop + 2:
            return False
        if size:
            items.append(self._rest[line + 2 : stop])
        else:
            items.append(END)
            self._step = self._head
        self._rest = self._rest[stop + 2 :]
        return bool(self._rest)

    def _until_closed(self, items: list[Head | bytes | _End]) -> bool:
        if self._rest:
            items.append(self._rest)
            self._rest = b""
        return False
