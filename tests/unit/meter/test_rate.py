"""Rate, share and remaining time: nothing in them is invented."""

from __future__ import annotations

import math

import pytest

from taskstatus.meter import Meter, progress_of
from tests.unit.meter.gauge import RUN, Gauge, Published


def test_rate_is_told_once_it_is_known(update: Gauge, published: Published) -> None:
    """Two values some time apart make a rate; what remains follows from it."""
    update(0)
    update(10, 1)
    assert published.progress[0]["rate"] is None
    assert (published.progress[1]["rate"], published.progress[1]["eta"]) == (10, 9)


def test_rate_is_smoothed(update: Gauge, published: Published) -> None:
    """One slow step does not turn an hour into a week."""
    update(0)
    update(10, 1)
    update(20, 1)
    update(20, 1)
    rates = [progress["rate"] for progress in published.progress]
    assert rates[:3] == [None, 10, 10]
    assert 0 < rates[3] < 10


def test_standstill_has_no_remaining_time(update: Gauge, published: Published) -> None:
    """At a rate of zero nothing can be said of the end."""
    update(5)
    update(5, 1)
    assert (published.progress[1]["rate"], published.progress[1]["eta"]) == (0, None)


def test_rate_of_a_new_count_is_unknown(update: Gauge, published: Published) -> None:
    """A second loop begins at zero, and what the first one did says nothing of it."""
    for value in (0, 50, 100, 0):
        update(value, 1)
    assert published.progress[2]["rate"] == 50
    assert published.progress[3]["rate"] is None


def test_values_without_a_number_have_no_rate(update: Gauge, published: Published) -> None:
    """A total alone is no progress."""
    update(None)
    update(None, 1)
    assert published.progress[1] == {**published.progress[0], "rate": None}


@pytest.mark.parametrize(
    ("current", "total", "percent"),
    [
        (1, 3, 33.33),
        (0, 5, 0),
        (5, 5, 100),
        (2.5, 5, 50),
        (5, None, None),
        (6, 5, None),
        (-1, 5, None),
        (0, 0, None),
        (1, math.inf, None),
        (math.nan, 5, None),
        (1, math.nan, None),
        (None, 5, None),
        pytest.param(1, 10**400, None, id="huge"),
    ],
)
def test_share_is_told_where_there_is_one(
    current: float | None, total: float | None, percent: float | None
) -> None:
    """What is more than the whole, or of no whole, has no share."""
    progress = progress_of(current, total, "", rate=2.0)
    assert progress["percent"] == percent
    assert (progress["eta"] is None) is (percent is None)


def test_message_of_any_kind_is_a_text(published: Published) -> None:
    """Existing code passes what it likes."""
    Meter(RUN).update(1, 2, ValueError("odd"))  # type: ignore[arg-type]
    assert published.progress[0]["message"] == "odd"


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 10**400, -(10**400)], ids=["nan", "inf", "huge", "minus-huge"]
)
def test_odd_numbers_harm_nobody(update: Gauge, published: Published, value: float) -> None:
    """A figure that can't be calculated with is no reason for a task to fail."""
    update(1)
    update(value, 1)
    update(3, 1)
    update(4, 1).flush()
    assert published.currents[-1] == 4
