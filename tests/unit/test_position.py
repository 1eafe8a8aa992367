"""Where a client is in several streams at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstatus.exceptions import BadRequest
from taskstatus.position import NOTHING, REFUSED, Position, parse_position, split_place

PLACES = st.lists(st.integers(REFUSED, 10**16 - 1), min_size=1, max_size=100)


@given(PLACES)
def test_position_comes_back_as_it_went(places: list[int]) -> None:
    """Cursors, tasks not seen yet, and refused ones."""
    assert list(parse_position(bytes(Position(places)).decode(), len(places))) == places


@given(PLACES, st.data())
def test_position_moves_one_place_at_a_time(places: list[int], data: st.DataObject) -> None:
    """The others stay where they are."""
    index = data.draw(st.integers(0, len(places) - 1))
    position = Position(places)
    position.move(index, 7)
    expected = [*places[:index], 7, *places[index + 1 :]]
    assert bytes(position) == bytes(Position(expected))


def test_position_is_short_and_plain() -> None:
    """Digits, dots and an x: nothing that a URL or a header would have to escape."""
    assert bytes(Position([NOTHING, REFUSED, 1_700_000_000_000_000])) == b"0.x.1700000000000000"


@pytest.mark.parametrize(
    ("value", "tasks"),
    [("", 1), ("1.2", 1), ("1", 2), ("1.", 2), ("1.X", 2), ("-1", 1), ("1 ", 1), ("1" * 17, 1)],
)
def test_what_was_never_a_position_is_a_bad_request(value: str, tasks: int) -> None:
    """Another number of places, or a place that is none."""
    with pytest.raises(BadRequest):
        parse_position(value, tasks)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", ("a", NOTHING)),
        ("a~", ("a", NOTHING)),
        ("a~0", ("a", NOTHING)),
        ("a~7", ("a", 7)),
        ("a~b~", ("a~b", NOTHING)),
        ("a~b~7", ("a~b", 7)),
        ("a~~", ("a~", NOTHING)),
        ("~7", ("", 7)),
        ("", ("", NOTHING)),
    ],
)
def test_value_is_cut_at_its_last_tilde(value: str, expected: tuple[str, int]) -> None:
    """So that an id may hold one."""
    assert split_place(value) == expected


def test_tilde_with_no_cursor_after_it_is_a_bad_request() -> None:
    """Whoever has such an id has to add one."""
    with pytest.raises(BadRequest, match="cursor"):
        split_place("a~b")
