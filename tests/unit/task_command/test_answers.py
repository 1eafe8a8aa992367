"""The subcommands that answer at once: show, token, list and cancel."""

from __future__ import annotations

import json
import time
import uuid

from django.test import override_settings

from taskstatus.access import read_token
from taskstatus.testing import TaskDriver, memory_store
from tests.unit.task_command.calling import ended, fails, task

UNREACHABLE = "redis://127.0.0.1:1/0"


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


def test_cancel_asks_a_task_to_stop() -> None:
    """A wish that is kept with the task; one that has ended is told so, with a code of its own."""
    driver = TaskDriver()
    driver.pending()
    assert task("cancel", driver.task_id)[0] == 0
    driver.revoked()
    assert task("cancel", driver.task_id)[0] == 1
    assert fails("cancel", str(uuid.uuid4())).returncode == 3


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
