"""The model's constants and what it says of sites of several sizes, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from benchmarks.scaling import USABLE, Constants, Site, demand_of
from benchmarks.tables import table

__all__ = ["constants_in", "outlook"]

#: What a viewer of a long task sees: a progress every other second, one task for five viewers.
SITES = [Site(viewers=v, tasks=v // 5, events=0.5) for v in (1_000, 10_000, 100_000, 1_000_000)]
#: A launch that everybody watches.
SITES += [Site(viewers=v, tasks=1, events=2) for v in (10_000, 100_000, 1_000_000)]
WORDS = {
    "event": "server, per event and process that has a viewer of the task (µs)",
    "delivery": "server, per event and viewer (µs)",
    "connect": "server, per connection (µs)",
    "idle": "server, per second and open connection (µs)",
    "memory": "server, per connection (KiB)",
    "redis_publish": "Redis, per publish (µs)",
    "redis_subscriber": "Redis, per publish and process that has a viewer of the task (µs)",
    "redis_connect": "Redis, per connection (µs)",
    "redis_reconcile": "Redis, per reconciled task and process (µs)",
    "bytes_publish": "to and from Redis, per publish (bytes)",
    "bytes_subscriber": "from Redis, per publish and process that has a viewer (bytes)",
    "bytes_connect": "to and from Redis, per connection (bytes)",
    "bytes_reconcile": "to and from Redis, per reconciled task and process (bytes)",
}


def constants_in(results: Mapping[str, Any]) -> Constants:
    """Return the model's constants: uvicorn, WebSocket."""
    connecting = {row["subject"]: row for row in results["tasks"]["connecting"]}["uvicorn-ws"]
    idle = {row["subject"]: row for row in results["idle"]}["uvicorn-ws"]
    return Constants(
        **results["scaling"]["constants"],
        connect=connecting["server"],
        memory=idle["bytes"],
        idle=1e6 * idle["share"] / idle["connections"],
    )


def outlook(results: Mapping[str, Any]) -> str:
    """Return the tables."""
    constants = constants_in(results)
    lines: list[list[Any]] = []
    for field in fields(Constants):
        value = getattr(constants, field.name)
        lines.append([WORDS[field.name], value / 1024 if field.name == "memory" else value])
    rows: list[list[Any]] = []
    for site in SITES:
        demand = demand_of(site, constants)
        rows.append(
            [
                f"{site.viewers:,} on {site.tasks:,} task{'s' if site.tasks > 1 else ''}",
                site.events,
                demand.server_cores,
                demand.processes,
                demand.memory / 2**30,
                demand.redis_cores,
                8 * demand.redis_bytes / 1e6,
            ]
        )
    heads = [
        *("viewers", "events per task and second", "server cores", "processes", "GiB"),
        *("Redis cores", "Redis Mbit/s"),
    ]
    checks = [
        [row["what"], row["predicted"], row["measured"]] for row in results["scaling"]["checks"]
    ]
    return "\n\n".join(
        [
            f"Constants, measured {results['about']['date']}:",
            table(["", "measured"], lines),
            f"What that makes, with processes used to {100 * USABLE:.0f} %:",
            table(heads, rows),
            "Two processes, µs of CPU per delivered event:",
            table(["", "predicted", "measured"], checks),
        ]
    )
