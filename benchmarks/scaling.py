"""The model of what a number of viewers takes: server processes, memory, Redis. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

__all__ = ["Constants", "Demand", "Site", "constants_of", "demand_of", "spread"]

#: What a process may be used, of a core, so that there is room for a crowd that comes back.
USABLE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """What was measured, in µs of CPU unless it says otherwise."""

    #: Per event and server process that has a viewer of the task: receive, decode, dispatch.
    event: float
    #: Per event and viewer.
    delivery: float
    #: Per connection, its snapshot included.
    connect: float
    #: Per second and open connection that gets nothing: pings, reconciling.
    idle: float
    #: Bytes of memory per connection.
    memory: float
    #: Redis: per publish, nobody subscribed.
    redis_publish: float
    #: Redis: per publish and server process that is subscribed.
    redis_subscriber: float
    #: Redis: per connection.
    redis_connect: float
    #: Redis: per followed task and server process, each RECONCILE_SECONDS.
    redis_reconcile: float
    #: Bytes from and to Redis, likewise.
    bytes_publish: float
    bytes_subscriber: float
    bytes_connect: float
    bytes_reconcile: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """How much is going on."""

    viewers: int
    #: Followed at the same time; the viewers are spread evenly over them.
    tasks: int
    #: Per task and second.
    events: float
    #: How long a viewer stays.
    stay_seconds: float = 300.0
    reconcile_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What it takes."""

    processes: int
    #: Cores of all server processes together, and of Redis.
    server_cores: float
    redis_cores: float
    #: Bytes.
    memory: float
    #: Bytes per second from and to Redis.
    redis_bytes: float


def spread(viewers: float, processes: int) -> float:
    """Return how many of the processes have one of so many viewers, who come to any of them."""
    missed: float = (1 - 1 / processes) ** viewers
    return processes * (1 - missed)


def constants_of(*, single: float, crowd: float, viewers: int) -> tuple[float, float]:
    """Return the costs per event and per delivery.

    From the cost per delivered event with one viewer a task, and with a crowd of viewers.
    """
    event = (single - crowd) * viewers / (viewers - 1)
    return event, single - event


def demand_of(site: Site, constants: Constants, *, processes: int | None = None) -> Demand:
    """Return what a site takes, on so many processes, else on as many as keep to USABLE."""
    if processes is None:
        processes = 1
        while _server_cores(site, constants, processes) > USABLE * processes:
            needed = ceil(_server_cores(site, constants, processes) / USABLE)
            # More processes mean more of them per event, so this may take several steps.
            processes = max(processes + 1, needed)
    k = constants
    events = site.tasks * site.events
    reached = spread(site.viewers / site.tasks, processes)
    connects = site.viewers / site.stay_seconds
    looks = site.tasks * reached / site.reconcile_seconds
    redis = events * (k.redis_publish + k.redis_subscriber * reached)
    redis += connects * k.redis_connect + looks * k.redis_reconcile
    traffic = events * (k.bytes_publish + k.bytes_subscriber * reached)
    traffic += connects * k.bytes_connect + looks * k.bytes_reconcile
    return Demand(
        processes=processes,
        server_cores=_server_cores(site, constants, processes),
        redis_cores=redis / 1e6,
        memory=site.viewers * k.memory,
        redis_bytes=traffic,
    )


def _server_cores(site: Site, k: Constants, processes: int) -> float:
    per_task = site.viewers / site.tasks
    each = k.event * spread(per_task, processes) + k.delivery * per_task
    events = site.tasks * site.events * each
    return (events + site.viewers * (k.idle + k.connect / site.stay_seconds)) / 1e6
