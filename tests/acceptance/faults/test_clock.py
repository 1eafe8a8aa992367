"""Clocks of a worker and of a server that jump by hours, while a task runs."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.faults.stage import TASKS
from tests.acceptance.faults.viewers import Viewer, viewers
from tests.harness.enqueueing import enqueue
from tests.harness.environment import Environment
from tests.harness.servers import start_daphne
from tests.harness.worker import start_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.acceptance.faults.stage import Stage
    from tests.harness.processes import Processes
    from tests.harness.servers import Server
    from tests.harness.worker import Worker

HOUR = 3_600


def fake_clock() -> Path:
    """Return the library that stands between a process and its clock; Linux has one."""
    found = importlib.util.find_spec("libfaketime")
    if found is None or found.submodule_search_locations is None:
        pytest.skip("There is no libfaketime for this platform.")
    (folder,) = found.submodule_search_locations
    return Path(folder) / "vendor/libfaketime/src/libfaketime.so.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockEnvironment(Environment):
    """An environment whose wall clock is as far off as a file says."""

    file: Path

    def variables(self) -> dict[str, str]:
        """Return the environment variables."""
        return {
            **Environment.variables(self),
            "LD_PRELOAD": str(fake_clock()),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            # As on a real machine: only the wall clock is set, by hand or by NTP.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


@dataclass(frozen=True, slots=True)
class Odd:
    """A server and a worker with one clock, which is not that of all others."""

    file: Path
    server: Server
    worker: Worker

    def jump(self, seconds: int) -> None:
        """Set the clock so far off."""
        self.file.write_text(f"{seconds:+}\n")


@pytest.fixture
def odd(running_stage: Stage, processes: Processes, tmp_path: Path) -> Iterator[Odd]:
    """Yield both; to begin with, their clock is right."""
    file = tmp_path / "clock"
    file.write_text("+0\n")
    known = {
        field.name: getattr(running_stage.environment, field.name)
        for field in dataclasses.fields(Environment)
    }
    environment = ClockEnvironment(**{**known, "queue": "odd"}, file=file)
    with ThreadPoolExecutor() as pool:
        server = pool.submit(start_daphne, processes, environment, name="odd")
        worker = pool.submit(
            start_worker, processes, environment, name="odd", include=[TASKS], concurrency=1
        )
        yield Odd(file, server.result(), worker.result())
        stops = (server.result().process.stop, worker.result().process.stop)
        list(pool.map(lambda stop: stop(), stops))


def is_run_again(viewer: Viewer) -> bool:
    """Return whether a viewer has been told of a second run."""
    return len({message["started_at"] for message in viewer.messages} - {None}) == 2


async def test_a_jump_of_a_clock_changes_nothing(
    stage: Stage, odd: Odd, outcome: Callable[[str], None]
) -> None:
    """An hour back, the task's process dies and it is run again, two hours ahead, then its end."""
    gate = uuid.uuid4().hex
    # No countdown: Celery itself would wait for its clock.
    task = await enqueue(stage.urls[0], "faults.stubborn", gate, queue=odd.worker.queue)
    async with viewers([odd.server.url, stage.urls[1]], task) as crowd:
        await asyncio.gather(*(viewer.until("PROGRESS") for viewer in crowd))
        odd.jump(-HOUR)
        odd.worker.kill_children()
        await asyncio.gather(*(viewer.wait_for(partial(is_run_again, viewer)) for viewer in crowd))
        odd.jump(HOUR)
        await asyncio.sleep(1)
        await asyncio.to_thread(stage.open, gate)
    for viewer in crowd:
        assert viewer.states[-1] == "SUCCESS"
        assert not any(message.reset for message in viewer.messages)
        # The times are the clock's own, the versions are not.
        times = [message["updated_at"] for message in viewer.messages]
        assert times != sorted(times)
    outcome(f"{len(crowd)} clients saw both runs, in order, and the end")
