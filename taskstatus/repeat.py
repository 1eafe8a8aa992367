"""A poll that is made again and again: the same bytes but for the digits of its cursor. Pure."""

from __future__ import annotations

import re
from typing import Any, Self

__all__ = ["Repeat"]

_MAX_DIGITS = 16
#: One of the fields of a query, as ``requests.py`` takes it.
_AFTER = re.compile(rb"(?:^|&)after=([0-9]{1,16})(?=&|\Z)")
#: With one of these there is more to a request than its head.
_MORE = {b"content-length", b"transfer-encoding", b"expect", b"upgrade"}


class Repeat:
    """What stands before the cursor of a request, and what behind it, down to the last byte.

    The credentials of a request are among these bytes, so who sends them again sends those again.
    """

    __slots__ = ("_before", "_behind", "_start", "_stop")

    def __init__(self, before: bytes, behind: bytes) -> None:
        self._before, self._behind = before, behind
        self._start, self._stop = len(before), -len(behind)

    @classmethod
    def of(cls, data: bytes, scope: dict[str, Any], after: int) -> Self | None:
        """Return the form of a request that a server has read from ``data`` as this ASGI scope.

        None unless ``data`` is this one request and nothing else, and names its cursor once.
        """
        path = scope["raw_path"].removeprefix(scope["root_path"].encode())
        query = scope["query_string"]
        begin = b"GET %b?" % path
        # A head that was written in any other way might end elsewhere for another reader.
        lines = len(scope["headers"]) + 2
        found = list(_AFTER.finditer(query))
        if (
            not data.startswith(b"%b%b HTTP/1.1\r\n" % (begin, query))
            or not data.endswith(b"\r\n\r\n")
            or not data.count(b"\r\n") == data.count(b"\n") == lines
            or any(name.lower() in _MORE for name, _ in scope["headers"])
            or [int(field[1]) for field in found] != [after]
        ):
            return None
        start, stop = (len(begin) + place for place in found[0].span(1))
        return cls(data[:start], data[stop:])

    def after(self, data: bytes) -> int | None:
        """Return the cursor of this request come again, None for anything else."""
        if not data.startswith(self._before) or not data.endswith(self._behind):
            return None
        digits = data[self._start : self._stop]
        return int(digits) if len(digits) <= _MAX_DIGITS and digits.isdigit() else None
