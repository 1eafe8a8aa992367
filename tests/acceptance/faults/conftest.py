"""One stage for most faults: two servers and a worker, and a Redis that can be harmed."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.faults.stage import Stage
from tests.harness.mortal import Mortal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness.processes import Processes


@pytest.fixture(scope="package")
def mortal() -> Iterator[Mortal]:
    """Yield the store's Redis, which nothing else uses."""
    with contextlib.ExitStack() as stack:
        yield Mortal(stack)


@pytest.fixture(scope="package")
def running_stage(
    mortal: Mortal, processes: Processes, redis_url: str, database: Path
) -> Iterator[Stage]:
    """Yield the servers and the worker; they are the same for all faults."""
    stage = Stage(mortal, processes, broker_url=redis_url, database=database)
    yield stage
    stage.stop()


@pytest.fixture
def outcome(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Return what takes a figure down for docs/reliability.md (see ``report.py``)."""
    return functools.partial(record_property, "outcome")


@pytest.fixture
def stage(running_stage: Stage) -> Iterator[Stage]:
    """Yield the stage; whatever was done to its Redis, its servers still run and serve pages."""
    yield running_stage
    for server in running_stage.servers:
        assert server.process.child.returncode is None
    running_stage.check_pages()
    assert not running_stage.errors()
