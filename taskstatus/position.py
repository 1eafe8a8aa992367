"""Where a client is in the streams of several tasks at once (PROTOCOL §10).

Pure. A position has one place for each task, in the order in which the client named them, joined
by dots: a cursor, ``0`` or ``x``.
"""

from __future__ import annotations

from collections.abc import Iterable

from taskstatus.exceptions import BadRequest
from taskstatus.messages import parse_cursor

__all__ = ["NOTHING", "REFUSED", "Position", "parse_position", "split_place"]

#: The place in the stream of a task of which nothing has been seen: a snapshot is due.
NOTHING = 0
#: The place in the stream of a task that was refused, of which the client has been told.
REFUSED = -1


class Position:
    """A position that moves on; as bytes, what a client sends to come back to it."""

    __slots__ = ("_texts",)

    def __init__(self, places: Iterable[int]) -> None:
        self._texts = [_text(place) for place in places]

    def move(self, index: int, place: int) -> None:
        """Note how far the client is in the stream of the task with this index."""
        self._texts[index] = _text(place)

    def __bytes__(self) -> bytes:
        return b".".join(self._texts)


def _text(place: int) -> bytes:
    return b"x" if place == REFUSED else b"%d" % place


def parse_position(value: str, tasks: int) -> tuple[int, ...]:
    """Return the places of a position in the streams of so many tasks. Raises BadRequest."""
    texts = value.split(".")
    if len(texts) != tasks:
        raise BadRequest("A position has one place for each task, in the order of the URL.")
    return tuple(REFUSED if text == "x" else parse_cursor(text) for text in texts)


def split_place(value: str) -> tuple[str, int]:
    """Return id and place of ``<id>[~<cursor>]``; the id may hold a ``~``. Raises BadRequest."""
    task_id, mark, cursor = value.rpartition("~")
    if not mark:
        return value, NOTHING
    return task_id, parse_cursor(cursor) if cursor else NOTHING
