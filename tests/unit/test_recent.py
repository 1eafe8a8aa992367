"""What was heard lately: all of it that comes after a cursor, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstatus import recent
from taskstatus.messages import Message
from taskstatus.recent import Recent
from taskstatus.stores import Reading


def status(version: int, prev: int, state: str = "PROGRESS", size: int = 2) -> Message:
    """Return a status of a stream."""
    return Message("status", state, version, prev, "x" * size)


def line(version: int, prev: int) -> Message:
    """Return a log line of a stream."""
    return Message("log", "", version, prev, "{}")


def reading(version: int) -> Reading:
    """Return what a store knows whose newest message is a status of this version."""
    return Reading(status=status(version, 0, "STARTED"), version=version, floor=1)


def versions(found: Reading | None) -> list[int] | None:
    """Return the versions of what was found."""
    return None if found is None else [message.version for message in found.messages]


def test_nothing_is_known_at_first() -> None:
    """Whoever asks has to ask the store."""
    assert Recent().since(0) is None


def test_what_the_store_knows_is_nothing_new_to_its_reader() -> None:
    """It goes on from there."""
    known = Recent()
    known.learn(reading(10))
    found = known.since(10)
    assert found is not None
    assert (found.status.state, found.version, versions(found)) == ("STARTED", 10, [])
    assert known.since(9) is None
    assert known.since(11) is None


def test_what_was_heard_comes_after_a_cursor() -> None:
    """All that is newer, oldest first, with the status of now."""
    known = Recent()
    known.learn(reading(10))
    for message in (line(11, 10), status(15, 11), line(16, 15)):
        known.hear(message)
    assert versions(known.since(10)) == [11, 15, 16]
    found = known.since(11)
    assert found is not None
    assert (found.status.version, found.version, versions(found)) == (15, 16, [15, 16])
    assert versions(known.since(16)) == []


def test_what_was_heard_while_the_store_was_read_is_not_forgotten() -> None:
    """Hearing begins before reading does."""
    known = Recent()
    known.hear(line(12, 10))
    known.learn(reading(10))
    assert versions(known.since(10)) == [12]


def test_what_the_store_knows_better_counts() -> None:
    """Something was not heard: from here on it is known again."""
    known = Recent()
    known.hear(status(12, 10))
    known.learn(reading(20))
    assert known.since(12) is None
    assert versions(known.since(20)) == []


def test_a_late_reading_takes_nothing_back() -> None:
    """What was heard meanwhile is newer."""
    known = Recent()
    known.hear(status(12, 10))
    known.learn(reading(10))
    found = known.since(10)
    assert found is not None
    assert (found.status.version, versions(found)) == (12, [12])


def test_a_message_comes_once() -> None:
    """Again, or late, is not new."""
    known = Recent()
    known.learn(reading(10))
    for message in (line(11, 10), line(11, 10), line(9, 8)):
        known.hear(message)
    assert versions(known.since(10)) == [11]


def test_the_first_message_of_a_record_follows_on_nothing() -> None:
    """The store had lost the task: a cursor from before can't be resumed from."""
    known = Recent()
    known.learn(reading(10))
    known.hear(status(20, 0))
    assert known.since(10) is None
    assert versions(known.since(20)) == []


@pytest.mark.parametrize("size", [2, recent.MAX_SIZE // 4])
def test_only_so_much_is_kept(size: int) -> None:
    """Of messages, and of what they hold; older cursors are for the store."""
    known = Recent()
    known.learn(reading(1))
    for version in range(2, 100):
        known.hear(status(version, version - 1, size=size))
    kept = min(recent.MAX_MESSAGES, recent.MAX_SIZE // size)
    assert known.since(99 - kept - 1) is None
    assert versions(known.since(99 - kept)) == list(range(100 - kept, 100))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40), st.integers(0, 40))
def test_no_answer_has_a_hole(stream: list[tuple[bool, bool]], after: int) -> None:
    """Whatever was heard of a stream and whatever was not: all that follows a cursor, or None."""
    known = Recent()
    known.learn(reading(1))
    newest = 1
    for number, (is_line, is_heard) in enumerate(stream, 2):
        if is_heard:
            known.hear((line if is_line else status)(number, number - 1))
            newest = number
    found = versions(known.since(after))
    if found is not None:
        assert found == list(range(after + 1, newest + 1))
    if after == newest and (len(stream) < 2 or all(heard for _, heard in stream)):
        assert found == []
