"""``manage.py task`` with a real Redis and a real worker."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.harness import command
from tests.harness.command import Terminal
from tests.harness.redis import open_gate
from tests.harness.steps import log, pending, progress, started, success

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes
    from tests.harness.site import Site
    from tests.harness.worker import Worker


@pytest.fixture
def environment(environment_of: Callable[[Layer], Environment]) -> Environment:
    """Return the environment that the worker has, too."""
    return environment_of("pubsub")


def words_of(text: str) -> list[str]:
    """Return the first word after the time of each line."""
    return [line.split()[1] for line in text.splitlines()]


def test_a_started_task_can_be_shown_at_once_and_followed_by_anybody(
    environment: Environment, worker: Worker
) -> None:
    """It is known before its id is printed."""
    started_ = command.run(environment, "start", "tests.add", "--args", "[1, 2]", "--json")
    assert (started_.code, started_.err) == (0, "")
    task_id = json.loads(started_.out)["task_id"]
    shown = command.run(environment, "show", task_id, "--json")
    assert json.loads(shown.out)["name"] == "tests.add"
    followed = command.run(environment, "follow", task_id)
    assert (followed.code, followed.err) == (0, "")
    assert words_of(followed.out)[-1] == "SUCCESS"


@pytest.mark.parametrize(
    ("arguments", "code", "states"),
    [
        (["tests.speak", "--args", '[["a", "b"]]'], 0, ["STARTED", "[info]", "[info]", "SUCCESS"]),
        (["tests.fail", "--args", '["no"]'], 1, ["STARTED", "FAILURE"]),
        (
            ["tests.retry", "--kwargs", '{"times": 1}'],
            0,
            ["STARTED", "RETRY", "STARTED", "SUCCESS"],
        ),
    ],
)
def test_start_and_follow_sees_a_task_from_its_first_breath(
    environment: Environment, worker: Worker, arguments: list[str], code: int, states: list[str]
) -> None:
    """However fast it is, every state and every line is shown, in order."""
    ended = command.run(environment, "start", *arguments, "--follow")
    assert (ended.code, ended.err) == (code, "")
    lines = [line for line in ended.out.splitlines() if line[:2] == "20"]
    assert words_of("\n".join(lines)) == ["PENDING", "RECEIVED", *states]


def test_ctrl_c_stops_the_following_and_not_the_task(
    environment: Environment, worker: Worker, redis_url: str
) -> None:
    """Who comes back later sees how it ended."""
    gate = str(uuid.uuid4())
    arguments = ["start", "tests.wait", "--args", json.dumps([gate]), "--json", "--follow"]
    with command.running(environment, *arguments) as following:
        task_id = json.loads(following.line())["task_id"]
        while json.loads(following.line())["state"] != "STARTED":
            pass
        following.interrupt()
        ended = following.end()
    assert ended.code == 130
    assert ended.err == "No longer followed; the task itself goes on.\n"
    open_gate(redis_url, gate)
    assert command.run(environment, "follow", task_id).code == 0


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [("d", 130, "No longer followed"), ("c", 2, "is asked to stop"), ("f", 0, "STARTED")],
)
def test_ctrl_c_on_a_terminal_asks_what_is_meant(
    environment: Environment, worker: Worker, redis_url: str, answer: str, code: int, words: str
) -> None:
    """To leave the task alone, to stop it, or nothing at all."""
    gate = str(uuid.uuid4())
    open_gate(redis_url, f"{gate}:end")
    ended = command.run_on_terminal(
        environment,
        *("start", "tests.count_between_gates", "--args", json.dumps([gate, 10]), "--follow"),
        reactions=[
            ("STARTED", Terminal.interrupt),
            ("[d]etach", lambda terminal: terminal.type(answer)),
            (words, lambda terminal: open_gate(redis_url, f"{gate}:start")),
        ],
    )
    assert ended.code == code, ended.out
    assert words in ended.out


def test_several_tasks_are_followed_at_once(environment: Environment, worker: Worker) -> None:
    """Each line says of which; the exit code is that of the worst."""
    ids = [
        json.loads(command.run(environment, "start", *arguments, "--json").out)["task_id"]
        for arguments in (
            ["tests.add", "--args", "[1, 2]"],
            ["tests.fail", "--args", '["no"]'],
            ["tests.speak", "--args", '[["a"]]'],
        )
    ]
    ended = command.run(environment, "follow", *ids)
    assert ended.code == 1
    last = {line.split()[0]: line.split()[2] for line in ended.out.splitlines()}
    assert last == dict(zip(ids, ["SUCCESS", "FAILURE", "SUCCESS"], strict=True))


def test_the_list_begins_with_the_newest(environment: Environment, worker: Worker) -> None:
    """As lines, as JSON, and as a table on a terminal."""
    started_ = command.run(
        environment, "start", "tests.fail", "--args", '["x"]', "--follow", "--json"
    )
    task_id = json.loads(started_.out.splitlines()[0])["task_id"]
    failures = ("list", "--state", "FAILURE", "--limit", "3")
    first, *_ = command.run(environment, *failures, "--json").out.splitlines()
    assert (json.loads(first)["task_id"], json.loads(first)["state"]) == (task_id, "FAILURE")
    line = command.run(environment, *failures).out.splitlines()[0]
    assert line.split("\t")[:2] == [task_id, "FAILURE"]
    table = command.run_on_terminal(environment, *failures)
    assert (table.code, "\x1b[1;31mFAILURE" in table.out) == (0, True)


async def test_being_terminated_leaves_the_screen_in_order(
    site_on: Callable[[Layer], Site], processes: Processes, environment: Environment
) -> None:
    """The cursor that a live bar hides comes back."""
    task = await site_on("pubsub").task(pending(), started())
    ended = await asyncio.to_thread(
        command.run_on_terminal,
        environment,
        *("follow", task.id),
        reactions=[("STARTED", lambda terminal: terminal.process.terminate())],
    )
    assert ended.code == 143
    assert ended.out.endswith("\x1b[?25h")


@pytest.mark.parametrize("layer", ["pubsub", "core"])
async def test_follow_is_live_on_every_layer_that_processes_share(
    layer: Layer,
    site_on: Callable[[Layer], Site],
    processes: Processes,
    environment_of: Callable[[Layer], Environment],
) -> None:
    """Each message is printed before the task goes on."""
    task = await site_on(layer).task(pending())
    steps = [started(), progress(1, 2), log("a line"), success({"rows": 2})]
    # So that nothing is found by reconciling.
    environment = environment_of(layer).with_settings(RECONCILE_SECONDS=60)
    with command.running(environment, "follow", task.id) as following:
        lines = [await asyncio.to_thread(following.line)]
        for step in steps:
            await task.play(step)
            lines.append(await asyncio.to_thread(following.line))
        ended = following.end()
    assert words_of("\n".join(lines)) == ["PENDING", "STARTED", "PROGRESS", "[info]", "SUCCESS"]
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_an_unknown_task_is_one_sentence(environment: Environment) -> None:
    """On stderr, with the code for it."""
    ended = command.run(environment, "follow", str(uuid.uuid4()))
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["start", "tests.add", "--args", "[1, 2]"], ["follow", "t"], ["show", "t"]]
)
def test_without_redis_there_is_one_sentence_soon(
    environment: Environment, arguments: list[str]
) -> None:
    """Neither a traceback nor Celery's twenty tries."""
    down = dataclasses.replace(environment, redis_url="redis://127.0.0.1:1/0")
    ended = command.run(down, *arguments)
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.count("\n") == 1
    assert "does not answer" in ended.err
