"""What was promised, and whether it is kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Target", "targets_of"]

Results = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its limit."""

    what: str
    measured: float
    most: float
    unit: str = "×"  # noqa: RUF001 - times

    @property
    def limit(self) -> str:
        """The limit in words."""
        return f"≤ {self.most:g} {self.unit}".rstrip()

    @property
    def met(self) -> bool:
        """Whether the figure keeps to the limit."""
        return self.measured <= self.most


def targets_of(results: Results) -> list[Target]:
    """Return all targets whose figures, and those of the peers they compare to, were measured."""
    return [
        target
        for part, find in _FINDERS.items()
        if part in results
        for target in find(results[part])
    ]


#: At most so many times what Socket.IO costs, by server.
FAN_OUT = {"daphne": 3.0, "uvicorn": 0.9}
MANY_TASKS = {"daphne": 1.0, "uvicorn": 0.6}
GROWTH = 1.5
POLL = 3.0
KIB = {"daphne": 30.0, "uvicorn": 25.0}


def _fanout(rows: list[dict[str, Any]]) -> Iterator[Target]:
    at = {(row["subject"], row["viewers"]): row["server"] for row in rows}
    sizes = sorted({row["viewers"] for row in rows})
    for server, most in FAN_OUT.items():
        for transport in ("ws", "sse"):
            name = f"{server}-{transport}"
            for size in sizes:
                if {(name, size), ("socketio", size)} <= at.keys():
                    ratio = at[name, size] / at["socketio", size]
                    yield Target(f"fan-out to {size:,}, {name}, to Socket.IO", ratio, most)
            if {(name, 100), (name, 4_000)} <= at.keys():
                growth = at[name, 4_000] / at[name, 100]
                yield Target(f"from 100 to 4,000 viewers, {name}", growth, GROWTH)
    for size in sizes:
        if {("uvicorn-poll", size), ("nchan-poll", size)} <= at.keys():
            ratio = at["uvicorn-poll", size] / at["nchan-poll", size]
            yield Target(f"long-poll to {size:,}, uvicorn, to Nchan's", ratio, POLL)


def _tasks(parts: Mapping[str, list[dict[str, Any]]]) -> Iterator[Target]:
    for key, words in (("full", "at full speed"), ("steady", "at 300 a second")):
        at = {row["subject"]: row["server"] for row in parts[key]}
        for server, most in MANY_TASKS.items():
            for name in (f"{server}-ws", f"{server}-sse"):
                if {name, "socketio"} <= at.keys():
                    what = f"1,000 tasks with a viewer each, {words}, {name}, to Socket.IO"
                    yield Target(what, at[name] / at["socketio"], most)
    connecting = {row["subject"]: row for row in parts["connecting"]}
    for server, most in KIB.items():
        name = f"{server}-ws"
        if {name, "socketio"} <= connecting.keys():
            ratio = connecting[name]["server"] / connecting["socketio"]["server"]
            yield Target(f"connect and snapshot, {name}, to Socket.IO's connect", ratio, 1.0)
        if name in connecting:
            memory = connecting[name]["bytes"] / 1024
            yield Target(f"memory per idle connection, {name}", memory, most, "KiB")


def _idle(rows: list[dict[str, Any]]) -> Iterator[Target]:
    for row in rows:
        what = f"{row['connections']:,} idle connections, {row['subject']}"
        yield Target(f"{what}: not up", row["connections"] - row["up"], 0, "")
        yield Target(f"{what}: share of a core", 100 * row["share"], 15.0, "%")
        yield Target(f"{what}: p99 of an event", row["p99"], 250.0, "ms")
        yield Target(f"{what}: lost", row["lost"], 0, "")


def _burst(rows: list[dict[str, Any]]) -> Iterator[Target]:
    for row in rows:
        if row["subject"].startswith(("daphne", "uvicorn")):
            wrong = row["lost"] + row["duplicated"] + row["reordered"]
            yield Target(f"burst, {row['subject']}: lost, twice or out of order", wrong, 0, "")


def _publish(parts: Mapping[str, list[dict[str, Any]]]) -> Iterator[Target]:
    bare, pubsub, any_layer, _ = parts["bare"]
    yield Target("publish, to a bare pipeline", pubsub["cpu"] / bare["cpu"], 2.0)
    yield Target("publish on any layer, to a bare pipeline", any_layer["cpu"] / bare["cpu"], 5.0)
    yield Target("connections opened per publish", pubsub["connections"], 0, "")
    ours = [row for row in parts["viewers"] if row["subject"] == "daphne-ws"]
    if len(ours) == 2:
        # Flat: what is left is noise.
        yield Target("publish with 1,000 viewers, to none", ours[1]["cpu"] / ours[0]["cpu"], 1.15)


def _celery(rows: list[dict[str, Any]]) -> Iterator[Target]:
    more = 100 * (rows[1]["wall"] / rows[0]["wall"] - 1)
    yield Target("a task of 5 ms takes longer by", more, 15.0, "%")


def _track(costs: Mapping[str, float]) -> Iterator[Target]:
    yield Target("an iteration under track(), to tqdm's", costs["track()"] / costs["tqdm"], 1.0)


def _scaling(parts: Mapping[str, Any]) -> Iterator[Target]:
    for row in parts["checks"]:
        error = 100 * abs(row["predicted"] / row["measured"] - 1)
        yield Target(f"model, {row['what']}: error", error, 25.0, "%")


_FINDERS: dict[str, Callable[[Any], Iterator[Target]]] = {
    "fanout": _fanout,
    "tasks": _tasks,
    "idle": _idle,
    "burst": _burst,
    "publish": _publish,
    "celery": _celery,
    "track": _track,
    "scaling": _scaling,
}
