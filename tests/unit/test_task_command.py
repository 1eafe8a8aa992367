"""``manage.py task``, in one process."""

from __future__ import annotations

import io
import json
import signal
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

import tests.project.celery
from taskstatus.access import read_token
from taskstatus.management.commands.task import Command
from taskstatus.testing import TaskDriver, memory_store

if TYPE_CHECKING:
    from collections.abc import Callable

app = tests.project.celery.app
UNREACHABLE = "redis://127.0.0.1:1/0"


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


def task(*arguments: str, out: io.StringIO | None = None) -> tuple[int, str]:
    """Run the command; return how it exits, and what it prints."""
    out = out or io.StringIO()
    try:
        call_command("task", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def fails(*arguments: str) -> CommandError:
    """Run the command; return what it says instead of working."""
    with pytest.raises(CommandError) as raised:
        call_command("task", *arguments, stdout=io.StringIO(), stderr=io.StringIO())
    return raised.value


def ended(end: str, *arguments: Any) -> TaskDriver:
    """Return a task that has ended in this way."""
    driver = TaskDriver()
    driver.pending()
    driver.started()
    getattr(driver, end)(*arguments)
    return driver


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


def test_an_unknown_task_is_a_code_of_its_own() -> None:
    """The message tells of a store that nobody else sees."""
    for subcommand in ("follow", "show"):
        error = fails(subcommand, str(uuid.uuid4()))
        assert error.returncode == 3
        assert "no such task" in str(error)
        assert "memory://" in str(error)


@override_settings(TASKSTATUS_STORE_URL=UNREACHABLE)
def test_a_store_that_is_down_is_told_in_a_sentence() -> None:
    """And is a code of its own."""
    for subcommand in ("follow", "show"):
        error = fails(subcommand, "t")
        assert error.returncode == 4
        assert "does not answer" in str(error)


@override_settings(TASKSTATUS_STORE_URL="http://wrong")
def test_a_wrong_setting_is_told_in_a_sentence() -> None:
    """As 'manage.py check' would."""
    error = fails("show", "t")
    assert error.returncode == 64
    assert "TASKSTATUS_STORE_URL" in str(error)


def test_show_prints_what_is_known() -> None:
    """One line for each fact, when nobody draws."""
    driver = ended("failure", ValueError("broken\x1b[31m"))
    code, text = task("show", driver.task_id)
    assert code == 0
    assert r"Error     ValueError: broken\x1b[31m" in text.splitlines()
    assert f"Task      {driver.task_id}" in text.splitlines()


def test_show_json_prints_the_status_of_the_wire() -> None:
    """One JSON object."""
    driver = ended("success", 3)
    status = json.loads(task("show", driver.task_id, "--json")[1])
    assert (status["state"], status["result"]) == ("SUCCESS", 3)


def test_token_prints_a_token_and_nothing_else() -> None:
    """It can be put into a variable of a shell script."""
    token = task("token", "a/b")[1].removesuffix("\n")
    assert read_token(token, "a/b", "read")
    assert not read_token(token, "a/b", "cancel")


def test_token_takes_a_scope_and_an_age() -> None:
    """Those of make_token()."""
    token = task("token", "t", "--scope", "read+cancel", "--max-age", "60")[1].strip()
    expires = read_token(token, "t", "cancel")
    assert expires is not None
    assert 0 < expires - time.time() < 61


@pytest.fixture
def eager() -> Any:
    """Run tasks where they are called."""
    app.set_current()
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def test_start_json_prints_one_object(eager: None) -> None:
    """With these three keys, and URLs that hold no token."""
    arguments = ["start", "tests.add", "--args", "[1, 2]", "--base-url", "https://example.org"]
    code, text = task(*arguments, "--json")
    started = json.loads(text)
    assert code == 0
    assert started.keys() == {"task_id", "token", "urls"}
    assert started["urls"] == {
        "websocket": f"wss://example.org/ws/task_status/{started['task_id']}/",
        "sse": f"https://example.org/sse/task_status/{started['task_id']}/",
        "longpoll": f"https://example.org/poll/task_status/{started['task_id']}/",
    }
    assert read_token(started["token"], started["task_id"], "read")


def test_start_prints_id_token_and_urls(eager: None) -> None:
    """One a line, to be copied."""
    lines = task("start", "tests.add", "--kwargs", '{"x": 1, "y": 2}')[1].splitlines()
    labels = [line.split()[0] for line in lines]
    assert labels == ["Task", "Token", "WebSocket", "Events", "Long-poll"]
    assert lines[-1].split()[1].startswith("http://localhost:8000/poll/task_status/")


def test_start_and_follow_misses_nothing(eager: None) -> None:
    """A task can be over before anybody looks; its log lines are shown all the same."""
    arguments = ["start", "tests.speak", "--args", '[["one", "two"]]', "--follow", "--json"]
    code, text = task(*arguments)
    first, *messages = [json.loads(line) for line in text.splitlines()]
    assert code == 0
    assert "task_id" in first
    assert [message.get("message", message.get("state")) for message in messages] == [
        "STARTED",
        "one",
        "two",
        "SUCCESS",
    ]


def test_start_and_follow_exits_as_the_task_did(eager: None) -> None:
    """As follow does."""
    code, text = task("start", "tests.fail", "--args", '["no way"]', "--follow")
    assert code == 1
    assert text.endswith("ValueError: no way\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["start", "tests.add", "--args", "[1"], "'[1' is no JSON"),
        (["start", "tests.add", "--args", "[NaN]"], "NaN is no JSON"),
        (["start", "tests.add", "--args", "[" * 100_000], "is no JSON"),
        (["start", "tests.add", "--args", '{"x": 1}'], "is no JSON array"),
        (["start", "tests.add", "--kwargs", "[1]"], "is no JSON object"),
        (["start", "tests.add", "--base-url", "example.org"], "no address of a site"),
        (["show", ""], "1 to 255 characters"),
        (["show", "a\x00b"], "no control characters"),
        (["token", "t", "--max-age", "nan"], "no number of seconds"),
        (["token", "t", "--max-age", "0"], "more than 0 seconds"),
        (["token", "t", "--scope", "all"], "invalid choice"),
        (["follow", "http://h/", "--patience", "-1"], "no number of seconds"),
        (["follow", "http://h/other/"], "no URL of a task"),
        (["follow", "http://h/poll/task_status/t/", "t"], "of URLs it takes one"),
        (["list", "--limit", "0"], "no number of tasks"),
        (["start", "tests.ad"], "Is it tests.add?"),
        (["dance"], "invalid choice"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(arguments: list[str], words: str) -> None:
    """Which one, and what is wrong with it."""
    app.set_current()
    assert words in str(fails(*arguments))


@pytest.mark.parametrize("arguments", [["--bogus"], ["start"], ["show", "t", "--bogus"], []])
def test_wrong_arguments_do_not_exit_as_a_revoked_task_would(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """On the command line argparse exits with 2."""
    with pytest.raises(SystemExit) as raised:
        Command().run_from_argv(["manage.py", "task", *arguments])
    assert raised.value.code == 64
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("subcommand", ["start", "follow", "list", "show", "token"])
def test_help_lists_the_exit_codes(subcommand: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They are a part of the interface."""
    with pytest.raises(SystemExit) as raised:
        Command().run_from_argv(["manage.py", "task", subcommand, "--help"])
    assert raised.value.code == 0
    assert "2    REVOKED" in capsys.readouterr().out


def test_options_of_django_may_stand_at_the_end() -> None:
    """As with commands that have no subcommands."""
    driver = ended("success")
    assert task("show", driver.task_id, "--no-color", "-v0", "--settings=tests.settings")[0] == 0


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


@memory_store()
def test_list_shows_the_newest_first() -> None:
    """One line each, to be cut at its tabs."""
    tasks = [ended("success"), ended("failure", ValueError("x")), TaskDriver()]
    tasks[2].started()
    tasks[2].progress(1, 4, "a quarter")
    lines = [line.split("\t") for line in task("list")[1].splitlines()]
    assert [line[0] for line in lines] == [one.task_id for one in reversed(tasks)]
    assert lines[0][1:4] == ["PROGRESS", "25 % 1/4", "tests.driven"]


@memory_store()
def test_list_takes_states_and_a_limit() -> None:
    """As JSON, the messages of the wire."""
    for end in ("success", "revoked", "success"):
        ended(end)
    states = ["--state", "REVOKED", "--state", "SUCCESS"]
    messages = [json.loads(line) for line in task("list", *states, "--json")[1].splitlines()]
    assert [message["state"] for message in messages] == ["SUCCESS", "REVOKED", "SUCCESS"]
    assert task("list", "--state", "FAILURE") == (0, "")
    assert len(task("list", "--limit", "2")[1].splitlines()) == 2


def test_token_and_cancel_can_be_json() -> None:
    """As all subcommands can."""
    driver = TaskDriver()
    driver.pending()
    made = json.loads(task("token", driver.task_id, "--json")[1])
    assert made.keys() == {"task_id", "token", "scope"}
    assert json.loads(task("cancel", driver.task_id, "--json")[1])["asked"] is True
    driver.revoked()
    code, text = task("cancel", driver.task_id, "--json")
    assert (code, json.loads(text)["asked"]) == (1, False)


def test_cancel_asks_a_task_to_stop() -> None:
    """A wish that is kept with the task; one that has ended is told so, with a code of its own."""
    driver = TaskDriver()
    driver.pending()
    assert task("cancel", driver.task_id)[0] == 0
    driver.revoked()
    assert task("cancel", driver.task_id)[0] == 1
    assert fails("cancel", str(uuid.uuid4())).returncode == 3
