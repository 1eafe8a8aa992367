"""Redis's protocol, as far as we need it: commands, and answers (RESP2, and what RESP3 changes).

In plain Python: hiredis, the parser in C that redis-py can use, crashes the process when a signal
interrupts it, as Celery's soft time limit does in a worker; so it is not brought along.

https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["Push", "Refusal", "Replies", "pack"]

LINE_END = b"\r\n"
#: What a published message begins with, up to its body: nearly all that comes is such.
_PUBLISHED = re.compile(rb"\*3\r\n\$7\r\nmessage\r\n\$\d+\r\n([^\r\n]*)\r\n\$(\d+)\r\n")


BULK = ord("$")


class Refusal(Exception):
    """An error that Redis has answered with."""

    @property
    def kind(self) -> str:
        """Its first word: ERR, NOSCRIPT, ..."""
        return str(self).partition(" ")[0]


class Push(list[Any]):
    """What Redis says unasked, in RESP3."""


ARRAYS: dict[int, type[list[Any]]] = {ord("*"): list, ord(">"): Push}


class _Incomplete(Exception):
    """More has to come."""


def pack(*words: str | bytes) -> bytes:
    """Return a command as it is sent."""
    encoded = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(
        [b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded]
    )


class Replies:
    """What has been received, as replies: lists, strings, numbers, None, and Refusal (returned).

    Strings are bytes, or with ``text`` str.
    """

    def __init__(self, *, text: bool = False) -> None:
        self._text = text
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
                reply, self._at = self._published(self._at) or self._parse(self._at)
            except _Incomplete:
                return
            yield reply

    def _published(self, at: int) -> tuple[Any, int] | None:
        """Return a published message, None when it is something else that begins there."""
        found = _PUBLISHED.match(self._buffer, at)
        if found is None:
            return None
        begin = found.end()
        end = begin + int(found[2])
        if end + 2 > len(self._buffer):
            raise _Incomplete
        return [b"message", found[1], self._buffer[begin:end]], end + 2

    def _parse(self, at: int) -> tuple[Any, int]:
        """Return the reply that begins there, and where the next one does."""
        buffer = self._buffer
        end = buffer.find(LINE_END, at)
        if end < 0:
            raise _Incomplete
        kind, line, after = buffer[at], buffer[at + 1 : end], end + 2
        if kind == BULK:
            stop = after + int(line)
            if stop < after:  # $-1
                return None, after
            if stop + 2 > len(buffer):
                raise _Incomplete
            return self._string(buffer[after:stop]), stop + 2
        if kind in ARRAYS:
            items: list[Any] = ARRAYS[kind]()
            for _ in range(int(line)):
                item, after = self._parse(after)
                items.append(item)
            return items, after
        return self._simple(kind, line), after

    def _simple(self, kind: int, line: bytes) -> Any:
        match kind:
            case 0x3A:  # :
                return int(line)
            case 0x2D:  # -
                return Refusal(line.decode(errors="replace"))
            case 0x5F:  # _
                return None
        return self._string(line)

    def _string(self, string: bytes) -> bytes | str:
        return string.decode(errors="replace") if self._text else string
