"""The steps of a task's life, as a test writes them down, and what a viewer must see of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.harness.clients import Message

__all__ = [
    "INTERMEDIATE",
    "Step",
    "custom",
    "error",
    "failure",
    "faithful",
    "ignored",
    "log",
    "odd",
    "pending",
    "progress",
    "received",
    "rejected",
    "retry",
    "revoked",
    "stalled",
    "started",
    "success",
]

INTERMEDIATE = "PROGRESS"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the method of the driver, its arguments, and the state that it leads to."""

    op: str
    #: The state, or None for a log line.
    state: str | None
    arguments: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the step as the drive view takes it."""
        return {"op": self.op, **self.arguments}


def pending() -> Step:
    """Enqueued."""
    return Step("pending", "PENDING")


def received() -> Step:
    """Taken by a worker."""
    return Step("received", "RECEIVED")


def started() -> Step:
    """Begun; after a retry, the next attempt."""
    return Step("started", "STARTED")


def progress(current: float, total: float | None = None, message: str = "") -> Step:
    """So far."""
    arguments = {"current": current, "total": total, "message": message}
    return Step("progress", INTERMEDIATE, arguments)


def log(message: str, level: str = "info") -> Step:
    """Write a line."""
    return Step("log", None, {"message": message, "level": level})


def custom(state: str, meta: dict[str, Any] | None = None) -> Step:
    """Enter a state of the task's own."""
    return Step("custom", state, {"state": state, "meta": meta})


def error(kind: str, *args: object) -> dict[str, Any]:
    """Return an exception for a step, by the name of its class."""
    return {"type": kind, "args": args}


def stalled(state: str = "STARTED") -> Step:
    """Show no sign of life in a state."""
    return Step("stalled", state)


def retry(exception: dict[str, Any] | None = None) -> Step:
    """End this attempt; another one is due."""
    return Step("retry", "RETRY", {"exception": exception or error("OSError", "again")})


def success(result: object = None) -> Step:
    """Return a result."""
    return Step("success", "SUCCESS", {"result": result})


def odd(name: str) -> dict[str, str]:
    """Return a result that is no JSON (``drivers.ODD_RESULTS``), by its name."""
    return {"$odd": name}


def failure(exception: dict[str, Any] | None = None) -> Step:
    """Raise."""
    return Step("failure", "FAILURE", {"exception": exception or error("ValueError", "broken")})


def revoked(reason: str = "terminated") -> Step:
    """Be stopped."""
    return Step("revoked", "REVOKED", {"reason": reason})


def rejected() -> Step:
    """Raise Reject."""
    return Step("rejected", "REJECTED")


def ignored() -> Step:
    """Raise Ignore."""
    return Step("ignored", "IGNORED")


def faithful(seen: Iterable[Message], steps: Iterable[Step], *, types: str = "status") -> None:
    """Assert that messages tell of all the steps in order; only PROGRESS may be left out.

    One that the task still is in, at the end, may not.
    """
    got = [_tell(message) for message in seen]
    wanted = [_expect(step) for step in steps if _is_asked_for(step, types)]
    position = 0
    for index, tale in enumerate(wanted):
        if position < len(got) and got[position] == tale:
            position += 1
            continue
        newer = any(later[0] == "status" for later in wanted[index + 1 :])
        droppable = tale[:2] == ("status", INTERMEDIATE) and newer
        assert droppable, f"{tale} is missing or late: saw {got}, played {wanted}"
    assert position == len(got), f"{got[position]} was never played here: saw {got}"


def _is_asked_for(step: Step, types: str) -> bool:
    return ("log" if step.state is None else "status") in types.split(",")


def _tell(message: Message) -> tuple[str, str, object]:
    if message.type == "log":
        return "log", message["message"], message["level"]
    current = message["progress"]["current"] if message.state == INTERMEDIATE else None
    return "status", str(message.state), current


def _expect(step: Step) -> tuple[str, str, object]:
    if step.state is None:
        return "log", step.arguments["message"], step.arguments["level"]
    return "status", step.state, step.arguments.get("current")
