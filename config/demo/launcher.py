"""
The whole demo in one command: ``python -m config.demo.launcher``, or ``make demo``.

It starts a private Redis, a Celery worker and a web server as child processes, and stops
them all, last one first, at Ctrl-C, at SIGTERM, or when one of them ends by itself. If this
process is killed outright, the kernel ends them (on Linux).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from config.demo.exceptions import ChildError, DemoError, StoppedError
from config.demo.lines import lines_for
from config.demo.probes import HOST, choose_port
from config.demo.screen import Screen
from config.demo.services import BASE_DIR, Services
from config.demo.supervisor import supervise

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo until it is stopped; return 0, or 1 if a part is missing or broken."""
    options = _parser().parse_args(arguments)
    screen = Screen()
    try:
        port = choose_port(options.port)
        with supervise() as supervisor, contextlib.ExitStack() as stack:
            try:
                services = Services(supervisor, stack, logs=_logs())
                _run(screen, services, port=port, sample=options.sample)
                supervisor.wait_for_ever()
            finally:
                screen.step("Stopping everything")
    except StoppedError:
        screen.done("nothing is left running")
        return 0
    except ChildError as error:
        screen.problem(str(error))
        if error.child:
            screen.log_tail(str(_shown(error.child.log)), error.child.tail())
    except DemoError as error:
        screen.problem(str(error))
    except OSError as error:
        screen.problem(f"{error.filename or 'The system'}: {error.strerror}.")
    return 1


def _run(screen: Screen, services: Services, *, port: int, sample: bool) -> None:
    """Start it all, telling about every step."""
    screen.step("Looking for a Redis")
    screen.done(services.use_redis())
    screen.step("Applying migrations")
    services.migrate()
    screen.done("the database is up to date")
    screen.step("Starting the Celery worker")
    screen.done(services.start_worker())
    screen.step("Starting the web server")
    services.start_web(port)
    page = f"http://{HOST}:{port}/"
    screen.done(f"ready at {page}")
    job = lines = None
    if sample:
        screen.step("Starting a sample job")
        task = services.start_sample()
        screen.done(f"task {task.task_id}")
        job = f"{page}jobs/{task.task_id}/?token={task.token}"
        python = shlex.quote(str(_shown(Path(sys.executable))))
        lines = lines_for(task.task_id, task.token, origin=page.rstrip("/"), python=python)
    env_file = _shown(services.write_env_file())
    logs = f"Logs are in {_shown(services.logs)}."
    other = f"For manage.py in another terminal: set -a; . {env_file}; set +a"
    end = "Press Ctrl-C to stop everything."
    screen.ready(page=page, job=job, lines=lines, hints=[logs, other, end])


def _logs() -> Path:
    logs = Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").absolute() / "demo"
    logs.mkdir(parents=True, exist_ok=True)
    return logs


def _shown(path: Path) -> Path:
    """The path as one would type it from here."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m config.demo.launcher",
        description="Start the demo: Redis, a Celery worker and a web server. Ctrl-C stops all.",
        epilog="REDIS_URL names a Redis to use instead of a private one.",
    )
    parser.add_argument("--port", type=_port, help="port of the web server (default: 8000 if free)")
    parser.add_argument(
        "--no-sample", dest="sample", action="store_false", help="start no sample job"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
