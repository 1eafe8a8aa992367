"""CPU time per call, the contenders taking turns so that noise hits all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median

__all__ = ["measure", "turns"]


def turns(rounds: int, seconds: float) -> Iterator[int]:
    """Yield the numbers of the rounds from 0 on, fewer of them when the time is over before."""
    deadline = time.monotonic() + seconds
    for number in range(rounds):
        if number and time.monotonic() > deadline:
            return
        yield number


def measure(
    contenders: Mapping[str, Callable[[int], None]], *, calls: int, rounds: int = 7
) -> dict[str, float]:
    """Return each contender's CPU time per call in µs, the median of the rounds.

    A contender is called with the number of times that it has to do its work. The time is that of
    this process, all of its threads; what another process does for it is not in it.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():
        run(max(1, calls // 10))
    for _ in range(rounds):
        for name, run in contenders.items():
            began = time.process_time_ns()
            run(calls)
            times[name].append((time.process_time_ns() - began) / calls / 1_000)
    return {name: median(values) for name, values in times.items()}
