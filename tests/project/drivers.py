"""Plays the lives of tasks in this process, step by step, as tests ask for it over HTTP."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from taskstatus.testing import TaskDriver

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["play"]

MAX_DRIVERS = 2_000

_drivers: dict[str, TaskDriver] = {}


class ExplodingError(Exception):
    """An exception that can't even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no text for you")


def circle() -> list[Any]:
    """Return a list that holds itself."""
    ring: list[Any] = []
    ring.append(ring)
    return ring


def well() -> list[Any]:
    """Return a list nested deeper than any JSON encoder follows."""
    bottom: list[Any] = []
    for _ in range(100_000):
        bottom = [bottom]
    return bottom


#: Results that a test can't send as JSON, by name.
ODD_RESULTS: dict[str, Callable[[], object]] = {
    "object": object,
    "bytes": lambda: b"\xff",
    "set": lambda: {1, 2},
    "exception": lambda: ValueError("a result"),
    "circle": circle,
    "five megabytes": lambda: {"rows": ["x" * 1_000] * 5_000},
    "well": well,
    "tuple": lambda: (1, 2),
    "integer keys": lambda: {1: "one"},
}


def driver_of(task_id: str, *, name: str, owner: str | None) -> TaskDriver:
    """Return the driver of a task, the same one for as long as this process drives the task."""
    driver = _drivers.get(task_id)
    if driver is None:
        while len(_drivers) >= MAX_DRIVERS:
            _drivers.pop(next(iter(_drivers)))
        driver = _drivers[task_id] = TaskDriver(task_id, name=name, owner=owner)
    return driver


def play(
    task_id: str, steps: list[dict[str, Any]], *, name: str = "tests.driven", owner: str | None
) -> None:
    """Execute the steps in order; each is the name of a TaskDriver method and its arguments."""
    driver = driver_of(task_id, name=name, owner=owner)
    for step in steps:
        arguments = {key: _argument(key, value) for key, value in step.items() if key != "op"}
        getattr(driver, step["op"])(**arguments)


def _argument(key: str, value: Any) -> object:
    if key == "exception":
        kind = (
            ExplodingError if value["type"] == "ExplodingError" else vars(builtins)[value["type"]]
        )
        return kind(*value["args"])
    if key == "result" and isinstance(value, dict) and "$odd" in value:
        return ODD_RESULTS[value["$odd"]]()
    return value
