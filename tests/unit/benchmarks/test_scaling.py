"""The model of growth."""

from __future__ import annotations

import pytest

from benchmarks.scaling import USABLE, Constants, Site, constants_of, demand_of, spread

CONSTANTS = Constants(
    event=50,
    delivery=10,
    connect=1_000,
    idle=5,
    memory=25_000,
    redis_publish=60,
    redis_subscriber=10,
    redis_connect=200,
    redis_reconcile=3,
    bytes_publish=2_000,
    bytes_subscriber=800,
    bytes_connect=3_000,
    bytes_reconcile=300,
)


def test_viewers_spread_over_processes() -> None:
    """One is in one; many are everywhere; never in more than there are of either."""
    assert spread(1, 10) == pytest.approx(1)
    assert spread(1_000, 10) == pytest.approx(10)
    assert 4 < spread(5, 10) < 5
    assert spread(5, 1) == 1


def test_constants_come_from_two_measurements() -> None:
    """What each event costs once is in the one of a single viewer whole."""
    event, delivery = constants_of(single=60, crowd=10.05, viewers=1_000)
    assert event == pytest.approx(50)
    assert delivery == pytest.approx(10)
    assert delivery + event / 1_000 == pytest.approx(10.05)


def test_a_site_on_one_process_adds_up() -> None:
    """By hand: 100 tasks, ten viewers each, one event a second."""
    site = Site(viewers=1_000, tasks=100, events=1, stay_seconds=100, reconcile_seconds=10)
    demand = demand_of(site, CONSTANTS, processes=1)
    assert demand.server_cores == pytest.approx(
        (100 * (50 + 10 * 10) + 1_000 * 5 + 10 * 1_000) / 1e6
    )
    assert demand.redis_cores == pytest.approx((100 * (60 + 10) + 10 * 200 + 10 * 3) / 1e6)
    assert demand.redis_bytes == pytest.approx(100 * 2_800 + 10 * 3_000 + 10 * 300)
    assert demand.memory == 25_000_000


@pytest.mark.parametrize("viewers", [100, 10_000, 1_000_000])
@pytest.mark.parametrize("tasks", [1, 50])
def test_there_are_as_many_processes_as_needed(viewers: int, tasks: int) -> None:
    """None is used more than it may be, and one fewer would not do."""
    site = Site(viewers=viewers, tasks=tasks, events=1)
    demand = demand_of(site, CONSTANTS)
    assert demand.server_cores <= USABLE * demand.processes
    if demand.processes > 1:
        fewer = demand_of(site, CONSTANTS, processes=demand.processes - 1)
        assert fewer.server_cores > USABLE * fewer.processes


def test_more_processes_cost_redis_more_but_not_without_bound() -> None:
    """A task with five viewers reaches five processes at most."""
    site = Site(viewers=5_000, tasks=1_000, events=1)
    costs = [demand_of(site, CONSTANTS, processes=n).redis_cores for n in (1, 10, 1_000)]
    assert costs == sorted(costs)
    most = 1_000 * (60 + 5 * 10) + 5_000 / 300 * 200 + 1_000 * 5 / 10 * 3
    assert costs[-1] < most / 1e6
