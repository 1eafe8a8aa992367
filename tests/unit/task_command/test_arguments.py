"""The arguments of ``manage.py task``: what is wrong is told, and exits as no task does."""

from __future__ import annotations

import pytest
from django.test import override_settings

import tests.project.celery
from taskstatus.management.commands.task import Command
from tests.unit.task_command.calling import ended, fails, task

app = tests.project.celery.app


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


@override_settings(TASKSTATUS_STORE_URL="http://wrong")
def test_a_wrong_setting_is_told_in_a_sentence() -> None:
    """As 'manage.py check' would."""
    error = fails("show", "t")
    assert error.returncode == 64
    assert "TASKSTATUS_STORE_URL" in str(error)


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
