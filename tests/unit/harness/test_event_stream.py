"""The parser of event streams follows the HTML standard, whatever the chunks."""

from __future__ import annotations

import pytest

from tests.harness.clients.event_stream import Event, EventStreamParser

Summary = tuple[str, str, str]


def parse(stream: bytes, *, chunk: int) -> list[Summary]:
    """Return (type, data, last event id) of each event, fed in chunks of this size."""
    parser = EventStreamParser()
    events: list[Event] = []
    for start in range(0, len(stream), chunk):
        events += parser.feed(stream[start : start + chunk])
    return [(event.type, event.data, event.last_event_id) for event in events]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", "")]),
        (
            b": test\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
            [("message", "first", "1"), ("message", "second", ""), ("message", " third", "")],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
        (b"data:test\n\ndata: test\n\n", [("message", "test", ""), ("message", "test", "")]),
        (b"event: a\r\ndata: 1\r\n\r\nevent: b\rdata: 2\r\r", [("a", "1", ""), ("b", "2", "")]),
        (b"\xef\xbb\xbfdata: bom\n\n\xef\xbb\xbfdata: lost\n\n", [("message", "bom", "")]),
        (b"id: a\0b\ndata: 1\n\n", [("message", "1", "")]),
        (b"id: 7\nevent: only\n\ndata: 1\n\n", [("message", "1", "7")]),
        (b"id: 1\ndata: whole\n\nid: 2\ndata: cut", [("message", "whole", "1")]),
        ("data: \u2028ü€\u0085\n\n".encode(), [("message", "\u2028ü€\u0085", "")]),
    ],
)
def test_events_are_those_of_the_standard(stream: bytes, events: list[Summary], chunk: int) -> None:
    """Events come out the same however the bytes are cut."""
    assert parse(stream, chunk=chunk) == events


def test_an_id_with_a_carriage_return_in_the_next_chunk_starts_no_empty_event() -> None:
    """CR at the end of a chunk and LF at the start of the next are one line end."""
    parser = EventStreamParser()
    assert parser.feed(b"data: 1\r") == []
    assert parser.feed(b"\ndata: 2\r") == []
    assert [event.data for event in parser.feed(b"\n\r\n")] == ["1\n2"]


def test_retry_and_comments_are_kept() -> None:
    """Digits set the time to reconnect; anything else in that field is ignored."""
    parser = EventStreamParser()
    parser.feed(b"retry: 1500\nretry: 2s\n: one\n:two\n\n")
    assert parser.retry == 1500
    assert parser.comments == ["one", "two"]


def test_an_event_knows_whether_it_brought_its_id_along() -> None:
    """The last event id stays; that an event has none of its own can be seen."""
    events = EventStreamParser().feed(b"id: 5\ndata: 1\n\ndata: 2\n\n")
    assert [(event.last_event_id, event.has_id) for event in events] == [("5", True), ("5", False)]


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """A stream is UTF-8, or it is broken."""
    with pytest.raises(UnicodeDecodeError):
        EventStreamParser().feed(b"data: \xff\n\n")
