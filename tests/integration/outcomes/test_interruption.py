"""The soft time limit strikes while a status is being told."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from taskstatus.receivers.interruption import AGAIN_SECONDS, after_the_body, while_the_body_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tests.integration.outcomes.stage import Stage


async def test_progress_does_not_swallow_it(stage: Stage) -> None:
    """A body that is telling its progress hears of its limit."""
    story = await stage.tell("outcomes.progress_slowly")
    assert story.fields("state", "result") == ("SUCCESS", "interrupted")


async def test_enqueueing_does_not_swallow_it(stage: Stage) -> None:
    """A body that is enqueueing another task hears of its limit, though Celery hides it from it."""
    story = await stage.tell("outcomes.delay_slowly", stage.new_queue())
    assert story.fields("state", "result") == ("SUCCESS", "interrupted")


async def test_the_outcome_is_told_in_spite_of_it(stage: Stage) -> None:
    """A body that has returned has succeeded, and says so."""
    story = await stage.tell("outcomes.return_slowly")
    assert story.fields("state", "result") == ("SUCCESS", "done")


@pytest.fixture
def soft_limit() -> Iterator[None]:
    """Raise SoftTimeLimitExceeded at the signal that stands for it, as a pool's process does."""

    def strike(number: int, frame: FrameType | None) -> None:
        raise SoftTimeLimitExceeded

    before = signal.signal(signal.SIGUSR1, strike)
    yield
    signal.signal(signal.SIGUSR1, before)


class Interrupted:
    """A receiver that is interrupted the first time that it is called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == 1:
            signal.raise_signal(signal.SIGUSR1)


@pytest.mark.usefixtures("soft_limit")
def test_the_body_is_interrupted_once_its_start_is_told() -> None:
    """A receiver does its work, and the limit strikes again when it has."""
    receiver = Interrupted()
    while_the_body_runs(receiver)()
    assert receiver.calls == 2
    with pytest.raises(SoftTimeLimitExceeded):
        time.sleep(10)


@pytest.mark.usefixtures("soft_limit")
def test_nothing_is_interrupted_when_the_body_is_over() -> None:
    """A receiver does its work, and the limit is forgotten."""
    receiver = Interrupted()
    after_the_body(receiver)()
    assert receiver.calls == 2
    time.sleep(2 * AGAIN_SECONDS)
