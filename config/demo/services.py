"""The parts of the demo, in the order they are started in: each returns when it is healthy."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shlex
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from celery import Celery
from kombu.exceptions import OperationalError

from config.demo.child import Child
from config.demo.exceptions import DemoError
from config.demo.probes import HOST, check_redis, is_served
from config.demo.redis_server import private_redis
from config.environment import redis_url

if TYPE_CHECKING:
    from contextlib import ExitStack

    from config.demo.supervisor import Supervisor

__all__ = ["BASE_DIR", "Services", "StartedTask"]

BASE_DIR = Path(__file__).resolve().parents[2]
_WORKER_PROCESSES = 2
_READY_SECONDS = 60
_COMMAND_SECONDS = 60
_SAMPLE_TASK = "demo.summarize_sample"
# What another terminal needs to talk to the demo.
_SHARED = ("ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "SECRET_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedTask:
    """The task that the demo begins with, and what gives access to it."""

    task_id: str
    token: str


class Services:
    """Starts the parts one by one. They are stopped, last one first, with the exit stack."""

    def __init__(self, supervisor: Supervisor, stack: ExitStack, *, logs: Path) -> None:
        self._supervisor = supervisor
        self._stack = stack
        self.logs = logs
        # Killed processes leave temporary files behind; here they go with us.
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="taskstatus-demo-"))
        # What all of them see. The key is new each time unless one is given: the demo's
        # tokens and sessions end with it.
        self.env = {
            **os.environ,
            "ALLOWED_HOSTS": f"localhost {HOST} [::1]",
            "DATABASE_URL": f"sqlite:///{quote(str(logs / 'db.sqlite3'))}",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "HTTPS": "",
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": os.environ.get("SECRET_KEY") or secrets.token_urlsafe(48),
            "TMPDIR": temporary,
        }

    def use_redis(self) -> str:
        """Find or start a Redis; return a few words about it."""
        if url := os.environ.get("REDIS_URL"):
            check_redis(url)
            return "the one that REDIS_URL names"
        server = self._stack.enter_context(private_redis(log=self.logs / "redis.log"))
        self._supervisor.watch(server.child)
        self.env["REDIS_URL"] = server.url
        slow = ", in pure Python and slow" if server.kind == "fakeredis" else ""
        return f"a private one ({server.kind}{slow}), process {server.pid}"

    def migrate(self) -> None:
        """Bring the database up to date."""
        self._run("migrate", "The migration", "migrate", "--noinput")

    def start_worker(self) -> str:
        """Start Celery's prefork worker; return when it answers a ping."""
        node = f"demo-{secrets.token_hex(4)}@localhost"
        options = ["--pool", "prefork", "--concurrency", str(_WORKER_PROCESSES)]
        quiet = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
        command = ["-m", "celery", "-A", "config", "worker", "--hostname", node, *options, *quiet]
        # An orphan with no Redis can wait for ever in an orderly shutdown. Its pool processes
        # end with it: Celery asks the kernel for that itself.
        fate = signal.SIGKILL
        worker = self._start(
            "worker", "The Celery worker", command, orphan_signal=fate, grace_seconds=3
        )
        app = Celery(broker=redis_url(self.env["REDIS_URL"], 0), set_as_current=False)
        with contextlib.closing(app):

            def pings() -> bool:
                with contextlib.suppress(OperationalError):
                    return bool(app.control.ping(destination=[node], timeout=1))
                return False

            self._supervisor.wait_until(pings, child=worker, seconds=_READY_SECONDS)
        return f"prefork, {_WORKER_PROCESSES} processes"

    def start_web(self, port: int) -> None:
        """Start Daphne; return when it says that it is ready to serve."""
        # No access log: Daphne's has the queries in it, and these have tokens in them.
        options = ["-b", HOST, "-p", str(port), "--access-log", os.devnull]
        command = ["-m", "daphne", *options, "config.asgi:application"]
        web = self._start("web", "The web server", command)
        self._supervisor.wait_until(
            lambda: is_served(port, "/readyz"), child=web, seconds=_READY_SECONDS
        )

    def start_sample(self) -> StartedTask:
        """Enqueue the sample job, as anybody can with ``manage.py task start``."""
        child = self._run(
            "start", "Starting the sample job", "task", "start", _SAMPLE_TASK, "--json"
        )
        said = child.tail()
        # There is a token in it, and logs have none.
        child.log.unlink()
        for line in reversed(said.splitlines()):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                told = json.loads(line)
                return StartedTask(task_id=told["task_id"], token=told["token"])
        raise DemoError("Starting the sample job gave no task id.")

    def write_env_file(self) -> Path:
        """Keep what another terminal needs in a file that only we can read, to the end."""
        path = self.logs / "env"
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name}={shlex.quote(self.env[name])}\n" for name in _SHARED)
        self._stack.callback(path.unlink, missing_ok=True)
        return path

    def _start(
        self,
        name: str,
        title: str,
        arguments: list[str],
        *,
        orphan_signal: signal.Signals = signal.SIGTERM,
        grace_seconds: float = 5,
    ) -> Child:
        child = Child(
            title,
            [sys.executable, *arguments],
            log=self.logs / f"{name}.log",
            env=self.env,
            cwd=BASE_DIR,
            orphan_signal=orphan_signal,
            grace_seconds=grace_seconds,
        )
        self._stack.enter_context(child)
        self._supervisor.watch(child)
        return child

    def _run(self, name: str, title: str, *arguments: str) -> Child:
        """Run a manage.py command to its end. Raises DemoError if it fails."""
        log = self.logs / f"{name}.log"
        command = [sys.executable, "manage.py", *arguments]
        with Child(title, command, log=log, env=self.env, cwd=BASE_DIR) as child:
            if self._supervisor.wait_for_end(child, seconds=_COMMAND_SECONDS) != 0:
                last = child.tail(lines=1).rstrip(".") or "it said nothing"
                raise DemoError(f"{title} failed: {last}. The whole story is in {child.log}.")
        return child
