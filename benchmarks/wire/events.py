"""Server-Sent Events, as far as counting them needs it (WHATWG HTML §9.2)."""

from __future__ import annotations

__all__ = ["EventParser"]


class EventParser:
    """Takes bytes in chunks of any size, gives the blocks that would be dispatched.

    Lines end with LF, as all servers here write them.
    """

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return each whole block that has data in it: no comment, no lone ``retry``."""
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        return [block for block in blocks if block.startswith(b"data:") or b"\ndata:" in block]
