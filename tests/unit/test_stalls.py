"""Which running tasks have lost their worker: told in time, and not too early."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskstatus.stalls import Stalls
from taskstatus.stores import Pulse

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

PATIENCE = 10


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return the clock."""
    return Clock()


@pytest.fixture
def stalls(clock: Clock, settings: Settings) -> Stalls:
    """Return what judges, by that clock."""
    settings.TASKSTATUS_STALLED_AFTER_SECONDS = 3 * PATIENCE
    settings.TASKSTATUS_RECONCILE_SECONDS = 1
    return Stalls(clock)


def pulse(state: str = "STARTED", *, worker: str = "one", stalled: bool = False) -> Pulse:
    """Return the pulse of a task."""
    return Pulse(task_id=f"on {worker}", version=1, state=state, stalled=stalled, worker=worker)


def verdicts(stalls: Stalls, *pulses: Pulse, alive: set[str]) -> list[tuple[str, bool]]:
    """Return whose flag has to change, and to what."""
    return [(judged.task_id, now) for judged, now in stalls.judge(pulses, alive)]


def test_task_of_a_living_worker_is_not_stalled(stalls: Stalls, clock: Clock) -> None:
    """However long it is silent."""
    for _ in range(5):
        assert verdicts(stalls, pulse(), alive={"one"}) == []
        clock.now += 1_000


def test_task_is_stalled_when_its_lease_stays_away(stalls: Stalls, clock: Clock) -> None:
    """Not at the first look: a store that has just come back empty makes nobody stalled."""
    assert verdicts(stalls, pulse(), alive=set()) == []
    clock.now += PATIENCE - 1
    assert verdicts(stalls, pulse(), alive=set()) == []
    clock.now += 1
    assert verdicts(stalls, pulse(), alive=set()) == [("on one", True)]


def test_stalled_task_is_told_once(stalls: Stalls, clock: Clock) -> None:
    """What is on record need not be said again."""
    verdicts(stalls, pulse(), alive=set())
    clock.now += PATIENCE
    assert verdicts(stalls, pulse(stalled=True), alive=set()) == []


def test_lease_that_comes_back_in_time_counts_from_anew(stalls: Stalls, clock: Clock) -> None:
    """Two short absences are no long one."""
    verdicts(stalls, pulse(), alive=set())
    clock.now += PATIENCE - 1
    verdicts(stalls, pulse(), alive={"one"})
    clock.now += PATIENCE - 1
    assert verdicts(stalls, pulse(), alive=set()) == []
    clock.now += PATIENCE - 1
    assert verdicts(stalls, pulse(), alive=set()) == []


def test_task_goes_on_when_its_worker_is_back(stalls: Stalls) -> None:
    """A worker that was cut off takes the mark away."""
    assert verdicts(stalls, pulse(stalled=True), alive={"one"}) == [("on one", False)]


def test_doubt_changes_nothing(stalls: Stalls) -> None:
    """A mark is not taken away while the lease is away."""
    assert verdicts(stalls, pulse(stalled=True), alive=set()) == []


@pytest.mark.parametrize("state", ["PENDING", "RECEIVED", "RETRY", "SUCCESS", "FAILURE"])
def test_only_a_running_task_can_stall(stalls: Stalls, clock: Clock, state: str) -> None:
    """One that waits or has ended needs no worker."""
    for _ in range(3):
        assert verdicts(stalls, pulse(state), alive=set()) == []
        clock.now += PATIENCE


@pytest.mark.parametrize("state", ["STARTED", "PROGRESS", "PARSING"])
def test_any_state_of_the_body_can_stall(stalls: Stalls, clock: Clock, state: str) -> None:
    """Whatever the task was doing."""
    verdicts(stalls, pulse(state), alive=set())
    clock.now += PATIENCE
    assert verdicts(stalls, pulse(state), alive=set()) == [("on one", True)]


def test_task_without_a_lease_never_stalls(stalls: Stalls, clock: Clock) -> None:
    """An eager task, or one of a foreign publisher, has no worker that could be asked about."""
    for _ in range(3):
        assert verdicts(stalls, pulse(worker=""), Pulse(task_id="unknown"), alive=set()) == []
        clock.now += PATIENCE


def test_each_worker_is_judged_by_itself(stalls: Stalls, clock: Clock) -> None:
    """All tasks of a lost worker stall, and no other's."""
    both = [pulse(), pulse("PROGRESS"), pulse(worker="two")]
    verdicts(stalls, *both, alive={"two"})
    clock.now += PATIENCE
    assert verdicts(stalls, *both, alive={"two"}) == [("on one", True), ("on one", True)]


def test_rare_looks_decide_at_once(stalls: Stalls, settings: Settings) -> None:
    """Where looks are further apart than the patience, one has to do."""
    settings.TASKSTATUS_RECONCILE_SECONDS = PATIENCE + 1
    assert verdicts(stalls, pulse(), alive=set()) == [("on one", True)]
