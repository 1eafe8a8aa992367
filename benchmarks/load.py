"""The other end of a crowd: what a benchmark tells it to do."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["Count", "Load", "Refused"]

#: Handshakes under way at the same time.
AT_ONCE = 50


class Refused(Exception):
    """A server did not take all connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a crowd has got; delays in milliseconds."""

    received: int
    #: Events that have not come although later ones have.
    holes: int
    duplicated: int
    reordered: int
    p50: float
    p99: float
    max: float


class Load:
    """A crowd in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.crowd"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.communicate()

    def _tell(self, do: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("The crowd has died; what it said is above.")
        return json.loads(answer)

    def connect(self, *, transport: str, port: int, paths: list[str]) -> float:
        """Open a connection for each path; return how long it took, in seconds.

        Raises Refused unless all are up.
        """
        up, seconds, failures = self.try_to_connect(transport=transport, port=port, paths=paths)
        if up < len(paths):
            raise Refused(f"{up} of {len(paths)} connections are up: {failures}")
        return seconds

    def try_to_connect(
        self, *, transport: str, port: int, paths: list[str]
    ) -> tuple[int, float, list[str]]:
        """Open a connection for each path; return how many are up, the seconds, and why not all."""
        place = {"transport": transport, "host": "127.0.0.1", "port": port}
        answer = self._tell("connect", **place, paths=paths, at_once=AT_ONCE)
        return answer["up"], answer["seconds"], answer["failures"]

    def begin(self) -> int:
        """Count from here; return how many clients are up."""
        return int(self._tell("begin")["clients"])

    def wait(self, events: int, *, seconds: float = 10.0) -> int:
        """Wait until so many events have come in all, so long at most; return how many have."""
        return int(self._tell("wait", events=events, seconds=seconds)["events"])

    def count(self) -> Count:
        """Return what has come since ``begin()``."""
        return Count(**self._tell("count"))

    def close(self) -> None:
        """Close the connections."""
        self._tell("close")
