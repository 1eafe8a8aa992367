"""Waiting for a server that does not answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from taskstatus.terminal.patience import OutOfPatience, Patience, retry_after_seconds


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.sleeps.append(seconds)
        self.now += seconds


def patience_of(seconds: float) -> tuple[Patience, Clock, list[str]]:
    """Return a patience, its clock, and the notes that it makes."""
    clock, notes = Clock(), list[str]()
    patience = Patience(seconds, note=notes.append, sleep=clock.sleep, clock=clock)
    return patience, clock, notes


def exhaust(patience: Patience) -> None:
    """Wait until there is no patience left."""
    for _ in range(10_000):
        patience.wait("no answer")


def test_a_server_that_never_answers_is_given_up_soon() -> None:
    """It may not even be one."""
    patience, clock, _ = patience_of(300)
    with pytest.raises(OutOfPatience, match="no answer"):
        exhaust(patience)
    assert clock.now <= 10


def test_a_server_that_has_answered_is_waited_for() -> None:
    """As long as the user says, no longer; the waits grow and have a limit."""
    patience, clock, _ = patience_of(300)
    patience.answered()
    with pytest.raises(OutOfPatience):
        exhaust(patience)
    assert 200 < clock.now <= 300
    assert max(clock.sleeps) <= 15


def test_every_outage_has_its_own_time() -> None:
    """An answer starts the clock anew."""
    patience, clock, _ = patience_of(20)
    patience.answered()
    for _ in range(50):
        patience.wait("no answer", at_least=10)
        patience.answered()
    assert clock.now >= 500


def test_the_server_can_ask_for_more_time() -> None:
    """Its Retry-After is the least that is waited."""
    patience, clock, _ = patience_of(300)
    patience.answered()
    patience.wait("busy", at_least=30)
    assert 30 <= clock.sleeps[0] <= 30.5


def test_an_outage_is_told_of_once() -> None:
    """When it begins and when it ends."""
    patience, _, notes = patience_of(300)
    patience.answered()
    for _ in range(3):
        patience.wait("no answer")
    patience.answered()
    patience.answered()
    assert notes == ["No news: no answer. Trying again.", "The server answers again."]


def test_no_patience_means_one_try() -> None:
    """Zero seconds are zero seconds."""
    patience, clock, _ = patience_of(0)
    with pytest.raises(OutOfPatience):
        patience.wait("no answer")
    assert clock.sleeps == []


@pytest.mark.parametrize(
    ("value", "seconds"), [("2", 2), ("0", 0), ("-5", 0), ("86400", 60), ("soon", 0), ("", 0)]
)
def test_retry_after_in_seconds(value: str, seconds: float) -> None:
    """A number of seconds, within reason."""
    assert retry_after_seconds(value) == seconds


def test_retry_after_as_a_date() -> None:
    """The other form that HTTP has for it."""
    soon = datetime.now(UTC) + timedelta(seconds=30)
    assert 25 < retry_after_seconds(format_datetime(soon, usegmt=True)) <= 30
