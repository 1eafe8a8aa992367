"""Real servers of the test project, each a process of its own on a free loopback port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.harness.environment import Environment
    from tests.harness.processes import Process, Processes

__all__ = ["Server", "start_daphne", "start_uvicorn"]

APPLICATION = "tests.project.asgi:application"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that listens."""

    process: Process
    #: ``http://127.0.0.1:<port>``, without a slash at the end.
    url: str
    environment: Environment


def start_daphne(processes: Processes, environment: Environment, *, name: str = "daphne") -> Server:
    """Start Daphne and return once it listens."""
    process = processes.start(
        f"{name}-{environment.layer}",
        ["-m", "daphne", "--bind", "127.0.0.1", "--port", "0", APPLICATION],
        env=environment.variables(),
    )
    port = process.wait_for_log(r"Listening on TCP address 127\.0\.0\.1:(\d+)")[1]
    return Server(process=process, url=f"http://127.0.0.1:{port}", environment=environment)


def start_uvicorn(
    processes: Processes, environment: Environment, *, name: str = "uvicorn"
) -> Server:
    """Start uvicorn and return once it listens."""
    process = processes.start(
        f"{name}-{environment.layer}",
        ["-m", "uvicorn", "--host", "127.0.0.1", "--port", "0", APPLICATION],
        env=environment.variables(),
    )
    port = process.wait_for_log(r"running on http://127\.0\.0\.1:(\d+)")[1]
    return Server(process=process, url=f"http://127.0.0.1:{port}", environment=environment)
