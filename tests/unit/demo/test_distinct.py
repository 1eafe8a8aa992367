"""Distinct texts, counted exactly while they are few and in bounded memory when they are not."""

from __future__ import annotations

import pytest

from config.demo.distinct import DistinctCounter


def counted(distinct: int, *, times: int = 1) -> DistinctCounter:
    """Count that many different texts, each several times."""
    counter = DistinctCounter()
    for _ in range(times):
        for number in range(distinct):
            counter.add(f"text {number}")
    return counter


@pytest.mark.parametrize("distinct", [0, 1, 4096])
def test_few_are_counted_exactly(distinct: int) -> None:
    """Up to the bound the count is exact, however often each text comes."""
    counter = counted(distinct, times=2)
    assert (counter.count, counter.exact) == (distinct, True)


def test_many_are_estimated() -> None:
    """Beyond the bound the count is about right, and says that it is an estimate."""
    counter = counted(60_000)
    assert not counter.exact
    assert counter.count == pytest.approx(60_000, rel=0.08)
