"""The figures of a run as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.tables import TITLES, table
from benchmarks.targets import targets_of

__all__ = ["report"]

Results = Mapping[str, Any]
Rows = list[dict[str, Any]]


def report(results: Results) -> str:
    """Return the whole report; parts that have not been measured are left out."""
    sections = [render(results[part]) for part, render in SECTIONS.items() if part in results]
    return "\n\n".join([_about(results), _targets(results), *sections]) + "\n"


def _about(results: Results) -> str:
    about = results["about"]
    lines = [f"Measured {about['date']} on {about['machine']}, {about['system']}."]
    if "load" in about:
        lines.append(f"Load average before the run, by other programs: {about['load']}.")
    lines.append(f"{about['versions']}.")
    left_out = [*results.get("missing", ()), *results.get("failed", ())]
    lines += [f"Left out: {text}." for text in left_out]
    return "\n".join(lines)


def _targets(results: Results) -> str:
    rows = [
        [target.what, target.limit, target.measured, "yes" if target.met else "**no**"]
        for target in targets_of(results)
    ]
    if not rows:
        return ""
    return f"### Targets\n\n{table(['', 'target', 'measured', 'met'], rows)}"


def _fanout(rows: Rows) -> str:
    sizes = sorted({row["viewers"] for row in rows})
    at = {(row["subject"], row["viewers"]): row for row in rows}
    middle = 1_000 if 1_000 in sizes else sizes[-1]
    base = at.get(("socketio", middle))
    lines = []
    for name in dict.fromkeys(row["subject"] for row in rows):
        some = [at[name, size] for size in sizes if (name, size) in at]
        row = at[name, middle]
        lines.append(
            [
                TITLES[name],
                *(at[name, size]["server"] if (name, size) in at else None for size in sizes),
                row["server"] / base["server"] if base else None,
                row["redis"] * middle,
                row["p50"],
                row["p99"],
                *(sum(one[key] for one in some) for key in ("lost", "duplicated", "reordered")),
            ]
        )
    heads = [
        *("", *(f"{size:,} viewers" for size in sizes), "to Socket.IO", "Redis, per event"),
        *("p50 ms", "p99 ms", "lost", "twice", "out of order"),
    ]
    return (
        "### Fan-out: one task, many viewers\n\n"
        "µs of server CPU per delivered event; ratio, Redis and delays at "
        f"{middle:,} viewers.\n\n{table(heads, lines)}"
    )


def _tasks(parts: Mapping[str, Rows]) -> str:
    full = {row["subject"]: row for row in parts["full"]}
    steady = {row["subject"]: row for row in parts["steady"]}
    base = full.get("socketio")
    events = [
        [
            TITLES[name],
            row["server"],
            row["server"] / base["server"] if base else None,
            row["redis"],
            *(steady.get(name, {}).get(key) for key in ("server", "p50", "p99")),
            *(
                row[key] + steady.get(name, {}).get(key, 0)
                for key in ("lost", "duplicated", "reordered")
            ),
        ]
        for name, row in full.items()
    ]
    heads = [
        *("", "full speed", "to Socket.IO", "Redis", "300 a second", "p50 ms", "p99 ms"),
        *("lost", "twice", "out of order"),
    ]
    connecting = [
        [TITLES[row["subject"]], row["server"], row["redis"], row["bytes"] / 1024]
        for row in parts["connecting"]
    ]
    return (
        "### Many tasks: 1,000, one viewer each\n\n"
        "µs of server CPU per event, and of Redis; delays at 300 events a second.\n\n"
        f"{table(heads, events)}\n\n"
        "### Connecting, and being connected\n\n"
        "µs of CPU per connection up to and with its first message, which is the task's state "
        "(Socket.IO: an event that says that the room is joined); memory while idle.\n\n"
        f"{table(['', 'server', 'Redis', 'KiB'], connecting)}"
    )


def _burst(rows: Rows) -> str:
    lines: list[list[Any]] = [
        [TITLES[row["subject"]], 100 * row["lost"] / (row["lines"] * row["clients"])]
        + [row[key] for key in ("lost", "holes", "duplicated", "reordered", "seconds")]
        for row in rows
    ]
    heads = ["", "lost %", "lost", "of them holes", "twice", "out of order", "seconds"]
    return (
        f"### Burst: {rows[0]['lines']:,} lines at once to {rows[0]['clients']} clients\n\n"
        f"{table(heads, lines)}"
    )


def _publish(parts: Mapping[str, Rows]) -> str:
    base = parts["bare"][0]["cpu"]
    lines = [
        [row["subject"], row["cpu"], row["cpu"] / base, row["connections"]] for row in parts["bare"]
    ]
    viewers = [
        [TITLES[row["subject"]], row["viewers"], row["cpu"], row["connections"]]
        for row in parts["viewers"]
    ]
    return (
        "### Publish one progress, in a worker\n\n"
        f"{table(['', 'µs of CPU', 'to the pipeline', 'connections opened'], lines)}\n\n"
        f"{table(['with viewers', 'viewers', 'µs of CPU', 'connections opened'], viewers)}"
    )


def _idle(rows: Rows) -> str:
    lines = [
        [
            TITLES[row["subject"]],
            *(row["up"], row["seconds"], row["bytes"] / 1024, 100 * row["share"]),
            *(row["p50"], row["p99"], row["lost"]),
        ]
        for row in rows
    ]
    heads = [
        *("", "up", "seconds until up", "KiB each", "% of a core, idle"),
        *("p50 ms", "p99 ms", "lost"),
    ]
    return (
        "### Idle: 10,000 connections on one process, each on a task of its own\n\n"
        f"Delays of events to random ones, 30 a second.\n\n{table(heads, lines)}"
    )


def _celery(rows: Rows) -> str:
    alone = rows[0]
    lines = [
        [
            row["subject"],
            *(row[key] for key in ("wall", "worker", "enqueueing")),
            100 * (row["wall"] / alone["wall"] - 1),
        ]
        for row in rows
    ]
    heads = ["", "wall", "CPU of the worker", "CPU of enqueueing", "wall, % more"]
    return (
        "### A Celery task of 5 ms, prefork, one process\n\n"
        f"µs per task, all of its state changes included.\n\n{table(heads, lines)}"
    )


def _track(costs: Mapping[str, float]) -> str:
    lines: list[list[Any]] = [[name, cost, cost / costs["tqdm"]] for name, cost in costs.items()]
    return f"### One iteration of a loop\n\n{table(['', 'µs of CPU', 'to tqdm'], lines)}"


def _scaling(parts: Mapping[str, Any]) -> str:
    lines: list[list[Any]] = [
        [row["what"], row["predicted"], row["measured"], 100 * _error(row)]
        for row in parts["checks"]
    ]
    heads = ["µs of CPU per delivered event", "predicted", "measured", "error %"]
    return f"### The model of growth, checked on two processes\n\n{table(heads, lines)}"


def _error(row: Mapping[str, float]) -> float:
    return row["predicted"] / row["measured"] - 1


SECTIONS: dict[str, Callable[[Any], str]] = {
    "fanout": _fanout,
    "tasks": _tasks,
    "idle": _idle,
    "burst": _burst,
    "publish": _publish,
    "celery": _celery,
    "track": _track,
    "scaling": _scaling,
}
