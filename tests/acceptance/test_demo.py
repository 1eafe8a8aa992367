"""The demo as a command: what it prints can be pasted, and what it starts it stops."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.acceptance.demo_run import ROOT, DemoRun, clean_environment, running_demo

if TYPE_CHECKING:
    from collections.abc import Iterator


# The sample takes its time, more so where other things run beside it.
pytestmark = pytest.mark.timeout(300)
SAMPLE_SECONDS = 240
SSE = "Follow it in another terminal: Server-Sent Events"
JOB = "A job is running; its own page"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    """Run the demo with its sample job for the tests that only look at it."""
    with running_demo(tmp_path_factory.mktemp("demo")) as run:
        yield run


def paste(line: str) -> str:
    """Run a line in a shell, as if it were pasted; return what it prints."""
    if line.startswith("curl ") and shutil.which("curl") is None:
        return httpx.get(line.split("'")[1], timeout=SAMPLE_SECONDS).text
    done = subprocess.run(
        line,
        shell=True,
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SAMPLE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_printed_lines_follow_the_job_to_its_end(tmp_path: Path) -> None:
    """Each transport ends with the same bytes, and the summary is in them."""
    with running_demo(tmp_path) as demo:
        lines = paste(demo.printed(SSE)).splitlines()
        messages = paste(demo.printed("WebSocket")).splitlines()
        polled = paste(demo.printed("Long-poll"))
    events = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert events[-1] == messages[-1]
    assert events[-1] in polled
    status: dict[str, Any] = json.loads(events[-1])
    assert (status["state"], status["ready"]) == ("SUCCESS", True)
    assert status["result"]["rows"] == 400_000
    assert any(json.loads(event)["type"] == "log" for event in events)


def test_the_page_of_the_job_opens_with_its_link_only(demo: DemoRun) -> None:
    """The token moves from the link into the session; without it the page is closed."""
    link = demo.printed(JOB)
    task_id = link.split("/")[4]
    with httpx.Client(follow_redirects=True) as client:
        shown = client.get(link)
        assert (shown.status_code, "token" in str(shown.url)) == (200, False)
        assert task_id in shown.text
        assert shown.headers["content-security-policy"].startswith("default-src 'self';")
        assert client.get(str(shown.url)).status_code == 200
    with httpx.Client(follow_redirects=True) as stranger:
        assert stranger.get(str(shown.url)).status_code == 403
        assert stranger.get(f"{link}x").status_code == 403


def test_another_terminal_can_use_manage_py(demo: DemoRun) -> None:
    """The printed file makes manage.py talk to the demo, and only its owner can read it."""
    line = re.search(r"set -a; \. (\S+); set \+a", demo.output)
    assert line
    env_file = demo.var / "demo" / "env"
    assert line[1] == str(env_file)
    assert env_file.stat().st_mode & 0o777 == 0o600
    task_id = demo.printed(JOB).split("/")[4]
    python = demo.printed("WebSocket").split()[0]
    shown = paste(f"{line[0]}; {python} manage.py task show {task_id} --json")
    assert json.loads(shown)["task_id"] == task_id


def test_no_secret_is_in_the_logs(demo: DemoRun) -> None:
    """Tokens are printed for the person who started it; logs go elsewhere."""
    token = demo.printed(JOB).partition("token=")[2]
    httpx.get(demo.printed(SSE).split("'")[1].replace("/sse/", "/poll/"))
    logs = demo.logs()
    assert token not in logs
    for line in (demo.var / "demo" / "env").read_text().splitlines():
        name, _, value = line.partition("=")
        if name in {"SECRET_KEY", "REDIS_URL"}:
            assert value not in logs
    assert "Traceback" not in logs


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_in_the_middle_of_a_job_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Neither a process nor the port nor a file that holds a secret is left."""
    with running_demo(tmp_path) as demo:
        family = demo.descendants()
        assert len(family) >= 5
        assert demo.interrupt(number) == 0
        assert demo.output.rstrip().endswith("nothing is left running")
        assert demo.remains(family) == []
        assert not (demo.var / "demo" / "env").exists()


@pytest.mark.parametrize("moment", ["Looking for", "Applying", "Celery worker", "web server"])
def test_it_can_be_stopped_while_it_starts(tmp_path: Path, moment: str) -> None:
    """Ctrl-C is heard at every step, and ends it in good order."""
    with running_demo(tmp_path, "--no-sample", until=moment) as demo:
        family = demo.descendants()
        assert demo.interrupt() == 0
        assert demo.remains(family) == []


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("celery", "✗ The Celery worker ended by itself (SIGKILL)."),
        ("daphne", "✗ The web server ended by itself (SIGKILL)."),
        ("redis-server", "✗ Redis ended by itself (SIGKILL)."),
    ],
)
def test_it_stops_when_a_part_dies(tmp_path: Path, program: str, sentence: str) -> None:
    """It says which part, shows the end of its log, and stops the others."""
    with running_demo(tmp_path, "--no-sample") as demo:
        family = demo.descendants()
        children = sorted(pid for pid in family if os.getpgid(pid) == pid)
        os.kill(next(pid for pid in children if program in command_of(pid)), signal.SIGKILL)
        assert demo.wait_for_exit() == 1
        assert sentence in demo.output
        assert "The end of " in demo.output.partition(sentence)[2]
        assert demo.remains(family) == []


def command_of(pid: int) -> str:
    """Return the command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def test_its_children_die_with_it_when_it_is_killed(tmp_path: Path) -> None:
    """Where it cannot clean up, the kernel and the children themselves do."""
    with running_demo(tmp_path) as demo:
        family = demo.descendants()
        os.kill(demo.child.pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while left := [name for name in demo.remains(family) if not name.startswith("/")]:
            assert time.monotonic() < deadline, left
            time.sleep(0.05)


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    """Nothing is started then."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with running_demo(tmp_path, "--port", str(port), until="✗") as demo:
            assert demo.wait_for_exit() == 1
            assert demo.output.strip() == (
                f"✗ Port {port} is in use; choose another one with --port, or none at all."
            )


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://:pass-word@127.0.0.1:1", "does not answer (ConnectionError)."),
        ("elsewhere", "✗ REDIS_URL is not the URL of a Redis (redis://…)."),
    ],
)
def test_a_redis_that_is_not_there_is_said_in_one_sentence(
    tmp_path: Path, url: str, sentence: str
) -> None:
    """The sentence does not repeat the password."""
    with running_demo(tmp_path, until="✗", env={"REDIS_URL": url}) as demo:
        assert demo.wait_for_exit() == 1
        assert sentence in demo.output
        assert "pass-word" not in demo.output
        assert "Traceback" not in demo.output


def test_a_database_that_cannot_be_made_is_said_in_one_sentence(tmp_path: Path) -> None:
    """What the command said last is the reason, and the rest is in its log."""
    (tmp_path / "var" / "demo" / "db.sqlite3").mkdir(parents=True)
    with running_demo(tmp_path, until="✗") as demo:
        assert demo.wait_for_exit() == 1
        assert "The migration failed: " in demo.output
        assert "unable to open database file. The whole story is in" in demo.output
        assert "Traceback" not in demo.output
