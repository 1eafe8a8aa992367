"""``manage.py task follow``: what is shown of tasks, live, and how it exits."""

from __future__ import annotations

import io
import json
import signal
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command

from taskstatus.testing import TaskDriver
from tests.unit.task_command.calling import ended, task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Reader(io.StringIO):
    """Somebody who reads what the command prints, and does one thing after each line."""

    def __init__(self, *then: Callable[[], object]) -> None:
        super().__init__()
        self._then = list(then)

    def write(self, text: str) -> int:
        """Take a line, then do the next thing."""
        written = super().write(text)
        if self._then:
            self._then.pop(0)()
        return written


@pytest.mark.parametrize(
    ("end", "arguments", "code"),
    [
        ("success", [3], 0),
        ("ignored", [], 0),
        ("failure", [ValueError("broken")], 1),
        ("rejected", [], 1),
        ("revoked", [], 2),
    ],
)
def test_follow_exits_as_the_task_did(end: str, arguments: list[Any], code: int) -> None:
    """So that a script can go on from there."""
    assert task("follow", ended(end, *arguments).task_id)[0] == code


def test_follow_shows_a_task_live() -> None:
    """Each message is shown before the next thing happens."""
    driver = TaskDriver()
    driver.pending()
    reader = Reader(
        driver.started,
        lambda: driver.progress(1, 2, "half"),
        lambda: driver.log("a line"),
        lambda: driver.success({"rows": 2}),
    )
    code, text = task("follow", driver.task_id, out=reader)
    assert code == 0
    assert [line.partition(" ")[2].partition(" in ")[0] for line in text.splitlines()] == [
        "PENDING",
        "STARTED",
        "PROGRESS 50 % 1/2 half",
        "[info] a line",
        "SUCCESS",
    ]
    assert text.endswith('{"rows": 2}\n')


def test_follow_json_prints_the_messages_of_the_wire() -> None:
    """One a line, and nothing else."""
    driver = TaskDriver()
    driver.pending()
    reader = Reader(driver.started, lambda: driver.log("é"), driver.success)
    code, text = task("follow", driver.task_id, "--json", out=reader)
    messages = [json.loads(line) for line in text.splitlines()]
    assert [message.get("state", message["type"]) for message in messages] == [
        "PENDING",
        "STARTED",
        "log",
        "SUCCESS",
    ]
    assert code == 0


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Hear of Ctrl-C, also where the tests run in a shell's background, which is deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_following_and_says_that_the_task_goes_on() -> None:
    """With the exit code that shells have for it."""
    driver = TaskDriver()
    driver.pending()

    def interrupt() -> None:
        signal.raise_signal(signal.SIGINT)

    err = io.StringIO()
    with pytest.raises(SystemExit) as raised:
        call_command("task", "follow", driver.task_id, stdout=Reader(interrupt), stderr=err)
    assert raised.value.code == 130
    assert "goes on" in err.getvalue()


def test_a_reader_who_has_gone_ends_it_quietly(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """As with 'follow … | head'."""

    def gone() -> None:
        raise BrokenPipeError

    driver = ended("success")
    with (tmp_path / "out").open("w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        assert task("follow", driver.task_id, out=Reader(gone))[0] == 141


def test_several_tasks_end_as_the_worst_of_them() -> None:
    """A failure counts more than a stop, and that more than a task that nobody knows."""
    good, bad, stopped = ended("success"), ended("failure", ValueError("x")), ended("revoked")
    unknown = str(uuid.uuid4())
    for ids, code in [
        ([good.task_id, unknown, stopped.task_id, bad.task_id], 1),
        ([good.task_id, unknown, stopped.task_id], 2),
        ([good.task_id, unknown], 3),
        ([good.task_id, good.task_id], 0),
    ]:
        assert task("follow", *ids)[0] == code


def test_several_tasks_are_told_apart() -> None:
    """By the id at the beginning of each line; JSON has it in each message."""
    tasks = [ended("success"), ended("failure", ValueError("x"))]
    ids = [one.task_id for one in tasks]
    assert sorted(line.split()[0] for line in task("follow", *ids)[1].splitlines()) == sorted(ids)
    lines = task("follow", *ids, "--json")[1].splitlines()
    assert sorted(json.loads(line)["task_id"] for line in lines) == sorted(ids)
