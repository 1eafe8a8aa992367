"""``manage.py task follow`` with a URL: over the network, with a real worker and Daphne."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING

from config.demo.redis_server import free_port
from tests.harness import command
from tests.harness.redis import open_gate
from tests.harness.servers import APPLICATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Process, Processes
    from tests.harness.servers import Server
    from tests.harness.worker import Worker

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def start(environment: Environment, base_url: str, *arguments: str) -> dict[str, str]:
    """Start a task; return its URLs with a token, and its id."""
    ended = command.run(environment, "start", *arguments, "--json", "--base-url", base_url)
    assert ended.code == 0, ended.err
    started = json.loads(ended.out)
    urls = {name: f"{url}?token={started['token']}" for name, url in started["urls"].items()}
    return {"task_id": started["task_id"], "bare": started["urls"]["sse"], **urls}


def start_daphne(processes: Processes, environment: Environment, port: int) -> Process:
    """Start Daphne on a certain port and return once it listens."""
    process = processes.start(
        "daphne-again",
        ["-m", "daphne", "--bind", "127.0.0.1", "--port", str(port), APPLICATION],
        env=environment.variables(),
    )
    process.wait_for_log(r"Listening on TCP address")
    return process


def test_a_url_of_any_transport_shows_the_bar_on_a_terminal(
    server: Server, worker: Worker, environment_of: Callable[[Layer], Environment]
) -> None:
    """A screen is drawn on; the exit code is the task's."""
    environment = environment_of("pubsub")
    urls = start(environment, server.url, "tests.fail", "--args", '["no way"]')
    for name in ("websocket", "sse", "longpoll"):
        ended = command.run_on_terminal(environment, "follow", urls[name])
        text = _CONTROL.sub("", ended.out)
        assert ended.code == 1, text
        assert "FAILURE tests.fail" in text
        assert text.rstrip().endswith("ValueError: no way")
        assert ended.out.count("\x1b[?25h") == ended.out.count("\x1b[?25l") == 1


def test_a_task_under_track_draws_its_bar(
    worker: Worker, environment_of: Callable[[Layer], Environment]
) -> None:
    """Its own figures, to the last row."""
    environment = environment_of("pubsub")
    arguments = ["start", "tests.count", "--args", "[1000000]", "--follow"]
    ended = command.run_on_terminal(environment, *arguments)
    # The last state stays, with the result below it.
    bar, result = _CONTROL.sub("", ended.out).splitlines()[-2:]
    assert ended.code == 0
    assert bar.startswith("SUCCESS tests.count ")
    assert "━ 100 % 1,000,000/1,000,000 " in bar
    assert result == "1000000"


def test_without_a_token_nothing_is_shown(
    server: Server, worker: Worker, environment_of: Callable[[Layer], Environment]
) -> None:
    """Over the network one is a stranger."""
    environment = environment_of("pubsub")
    urls = start(environment, server.url, "tests.add", "--args", "[1, 2]")
    ended = command.run(environment, "follow", urls["bare"])
    assert (ended.code, ended.out) == (5, "")
    token = command.run(environment, "token", urls["task_id"]).out.strip()
    assert command.run(environment, "follow", urls["bare"], "--token", token).code == 0


def test_a_restart_of_the_server_loses_nothing_and_repeats_nothing(
    processes: Processes,
    worker: Worker,
    redis_url: str,
    environment_of: Callable[[Layer], Environment],
) -> None:
    """The task even ends while the server is away."""
    environment, port, gate = environment_of("pubsub"), free_port(), str(uuid.uuid4())
    daphne = start_daphne(processes, environment, port)
    base_url = f"http://127.0.0.1:{port}"
    urls = start(environment, base_url, "tests.wait", "--args", json.dumps([gate]))
    with command.running(environment, "follow", urls["longpoll"], "--json") as following:
        messages = [json.loads(following.line())]
        while messages[-1]["state"] != "STARTED":
            messages.append(json.loads(following.line()))
        daphne.stop()
        outage = following.err.readline()
        open_gate(redis_url, gate)
        assert command.run(environment, "follow", urls["task_id"]).code == 0
        start_daphne(processes, environment, port)
        ended = following.end()
    messages += [json.loads(line) for line in ended.out.splitlines()]
    versions = [message["version"] for message in messages]
    assert versions == sorted(set(versions))
    assert [message["state"] for message in messages][-2:] == ["STARTED", "SUCCESS"]
    assert outage.startswith("No news: ")
    assert ended.err == "The server answers again.\n"
    assert ended.code == 0
