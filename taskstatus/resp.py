"""Redis's protocol: how commands are written, and what a subscriber reads (RESP2, and what RESP3
changes for it).

In plain Python: hiredis, the parser in C that redis-py can use, crashes the process when a signal
interrupts it, as Celery's soft time limit does in a worker; so it is not brought along.

https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["Refusal", "Replies", "pack"]

LINE_END = b"\r\n"


class Refusal(Exception):
    """An error that Redis has answered with."""


class _Incomplete(Exception):
    """More has to come."""


def pack(*words: str | bytes) -> bytes:
    """Return a command as it is sent."""
    encoded = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(
        [b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded]
    )


class Replies:
    """What has been received, as replies: lists, bytes, numbers, None, and Refusal (returned)."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0

    def feed(self, data: bytes) -> None:
        """Add what has come."""
        self._buffer = self._buffer[self._at :] + data
        self._at = 0

    def __iter__(self) -> Iterator[Any]:
        """Yield each reply that is whole, once; stopping in between loses nothing."""
        while self._at < len(self._buffer):
            try:
                reply, self._at = self._parse(self._at)
            except _Incomplete:
                return
            yield reply

    def _parse(self, at: int) -> tuple[Any, int]:
        """Return the reply that begins there, and where the next one does."""
        buffer = self._buffer
        end = buffer.find(LINE_END, at)
        if end < 0:
            raise _Incomplete
        kind, line, after = buffer[at : at + 1], buffer[at + 1 : end], end + 2
        if kind == b"$":
            stop = after + int(line)
            if stop < after:  # $-1
                return None, after
            if stop + 2 > len(buffer):
                raise _Incomplete
            return buffer[after:stop], stop + 2
        if kind in {b"*", b">"}:
            items = []
            for _ in range(int(line)):
                item, after = self._parse(after)
                items.append(item)
            return items, after
        if kind == b":":
            return int(line), after
        if kind == b"-":
            return Refusal(line.decode(errors="replace")), after
        return line, after
