"""A parser of ``text/event-stream``, as the HTML standard says (§ Server-sent events)."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

__all__ = ["Event", "EventStreamParser"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as it would be dispatched."""

    type: str
    data: str
    #: The last event id after this event.
    last_event_id: str
    #: Whether this event had an ``id`` field of its own.
    has_id: bool


class EventStreamParser:
    """Takes the bytes in chunks of any size; pure."""

    def __init__(self) -> None:
        #: What a client would wait before it reconnects, in milliseconds.
        self.retry: int | None = None
        #: All comments so far.
        self.comments: list[str] = []
        self.last_event_id = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="strict")
        self._text = ""
        self._started = False
        self._after_cr = False
        self._clear()

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that this chunk completes. Raises UnicodeDecodeError, never later."""
        text = self._decoder.decode(chunk)
        if text and not self._started:
            self._started = True
            text = text.removeprefix("\ufeff")
        self._text += text
        events = (self._line(line) for line in self._lines())
        return [event for event in events if event is not None]

    def _lines(self) -> list[str]:
        """Return the complete lines, ended by LF, CR or CRLF; keep the rest."""
        lines: list[str] = []
        start = 0
        for position, character in enumerate(self._text):
            after_cr, self._after_cr = self._after_cr, character == "\r"
            if character == "\n" and after_cr:
                start = position + 1
            elif character in "\r\n":
                lines.append(self._text[start:position])
                start = position + 1
        self._text = self._text[start:]
        # What is kept holds no line end, so it needs no second look at the CR before it.
        if self._text:
            self._after_cr = False
        return lines

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        name, colon, value = line.partition(":")
        if colon:
            value = value.removeprefix(" ")
        if not name:
            self.comments.append(value)
        elif name == "event":
            self._type = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self.last_event_id, self._has_id = value, True
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)
        return None

    def _dispatch(self) -> Event | None:
        event = None
        if self._data:
            event = Event(
                type=self._type or "message",
                data="\n".join(self._data),
                last_event_id=self.last_event_id,
                has_id=self._has_id,
            )
        self._clear()
        return event

    def _clear(self) -> None:
        self._type = ""
        self._data: list[str] = []
        self._has_id = False
