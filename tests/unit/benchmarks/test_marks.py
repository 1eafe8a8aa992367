"""What was lost, repeated or out of order is counted as such."""

from __future__ import annotations

import time

import pytest

from benchmarks.marks import MARK, Tally, make_mark


@pytest.mark.parametrize(
    ("numbers", "duplicated", "reordered"),
    [
        ([1, 2, 3], 0, 0),
        ([1, 1, 2], 1, 0),
        ([1, 3, 2], 0, 1),
        ([3, 1, 2, 1], 1, 2),
        ([2, 5], 0, 0),
    ],
)
def test_a_tally_tells_them_apart(numbers: list[int], duplicated: int, reordered: int) -> None:
    """A late one fills its gap once; a second time it is one too many."""
    tally = Tally()
    for number in numbers:
        tally.add(number)
    assert (tally.duplicated, tally.reordered) == (duplicated, reordered)
    assert tally.holes == max(numbers) - len(set(numbers))


def test_a_mark_is_found_in_json() -> None:
    """With its number and its time."""
    before = time.monotonic_ns()
    [(number, sent)] = MARK.findall(b'{"message":"%s"}' % make_mark(7).encode())
    assert int(number) == 7
    assert before <= int(sent) <= time.monotonic_ns()
