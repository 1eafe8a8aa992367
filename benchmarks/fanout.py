"""Fan-out: the events of one task, delivered to all of its viewers."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from benchmarks.load import Load
from benchmarks.measure import turns
from benchmarks.servers import Server
from benchmarks.sources import new_ids
from benchmarks.subjects import Subject
from benchmarks.window import Result, Window, measure_window, result_of, teller

__all__ = ["run"]

#: No larger crowd for those that take a connect's worth of work for each event.
LARGE = 1_000
DEAR = ("tutorial", "daphne-poll", "uvicorn-poll", "nchan-poll")
#: No further round begins after that.
SECONDS = 105.0


def run(
    subjects: Sequence[Subject], redis: Server, *, sizes: Sequence[int], rounds: int
) -> list[Result]:
    """Return the cost per delivered event for each number of viewers; subjects take turns."""
    results: list[Result] = []
    for viewers in sizes:
        with contextlib.ExitStack() as stack:
            loads = {}
            [task] = new_ids(1)
            some = [s for s in subjects if viewers <= LARGE or s.name not in DEAR]
            for subject in some:
                load = loads[subject.name] = stack.enter_context(Load())
                path = subject.source.begin(f"{task}-{subject.name}")
                load.connect(
                    transport=subject.transport,
                    port=subject.server.port,
                    paths=[path] * viewers,
                )
            windows: dict[str, list[Window]] = {subject.name: [] for subject in some}
            for _ in turns(rounds, SECONDS / len(sizes)):
                for subject in some:
                    publish = teller(subject, [f"{task}-{subject.name}"], viewers)
                    windows[subject.name].append(
                        measure_window(subject.server, loads[subject.name], redis, publish)
                    )
            results += [result_of(name, viewers, done) for name, done in windows.items()]
            for load in loads.values():
                load.close()
    return results
