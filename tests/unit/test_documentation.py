"""Every code block of the documentation is tried, each language in its own way."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from celery._state import _get_active_apps  # type: ignore[attr-defined]
from django.template import engines

from docs.settings_table import PAGE, page
from taskstatus import get_status
from taskstatus.access import Caller
from taskstatus.management.commands.task import Command
from taskstatus.signals import task_status_changed
from taskstatus.stores import get_store
from taskstatus.testing import TaskDriver
from tests.harness.document import Block, blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    ROOT / "frontend" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
BLOCKS = [block for page in PAGES for block in blocks(page)]

#: Programs that a reader has, or gets by the lines before.
PROGRAMS = {
    *("celery", "curl", "daphne", "django-admin", "git", "gunicorn"),
    *("make", "npm", "pip", "python", "uvicorn"),
}
#: Not tried: what programs print, Sphinx's own directives, and a proxy's routes.
EXEMPT = {"", "text", "eval-rst", "include", "toctree"}


def python(block: Block) -> None:
    """It compiles; what strangers paste is run by the tests of their projects."""
    compile(block.code, block.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def console(block: Block) -> None:
    """A shell reads it, the program is known, and our own commands take these arguments."""
    for command in block.commands:
        subprocess.run(["bash", "-n", "-c", command], check=True)
        program, *arguments = re.sub(r"[<>]\S*|'(.*?)'", r"\1", command).split()
        program = program.removeprefix(".venv/bin/")
        assert program in {*PROGRAMS, "pytest"}, command
        if program == "make":
            targets = [name for name in arguments if "=" not in name]
            for target in targets:
                assert re.search(rf"^{re.escape(target)}:", makefile(), re.MULTILINE), command
        if arguments[:2] == ["manage.py", "task"]:
            Command().create_parser("manage.py", "task").parse_args(arguments[2:])


def makefile() -> str:
    """Return the Makefile."""
    return (ROOT / "Makefile").read_text()


def javascript(block: Block) -> None:
    """Node reads it as a module."""
    node = shutil.which("node", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if node is None:
        pytest.skip("There is no Node: 'make client' installs one.")
    command = [node, "--input-type=module", "--check", "-"]
    subprocess.run(command, input=block.code, text=True, check=True)


def django(block: Block) -> None:
    """It is a template."""
    engines["django"].from_string(block.code)


def html(block: Block) -> None:
    """Its elements are closed; what is a template elsewhere is one here."""
    opened = re.findall(r"<(script|div|p|task-status)\b", block.code)
    closed = re.findall(r"</(script|div|p|task-status)>", block.code)
    assert sorted(opened) == sorted(closed)


def nginx(block: Block) -> None:
    """Its braces match; nginx itself reads it where there is one."""
    assert block.code.count("{") == block.code.count("}")
    program = shutil.which("nginx")
    if program is not None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "nginx.conf"
            path.write_text(f"pid {folder}/pid;\nevents {{}}\nhttp {{\n{block.code}\n}}\n")
            command = [program, "-t", "-q", "-p", folder, "-e", "stderr", "-c", str(path)]
            subprocess.run(command, check=True)


HOW: dict[str, Callable[[Block], None]] = {
    "python": python,
    "console": console,
    "js": javascript,
    "django": django,
    "html": html,
    "json": lambda block: json.loads(block.code),
    "yaml": lambda block: yaml.safe_load(block.code),
    "nginx": nginx,
}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_block_is_what_it_says(block: Block) -> None:
    """In the language that its fence names."""
    if block.language not in EXEMPT:
        HOW[block.language](block)


@pytest.fixture(autouse=True)
def no_tasks_are_left() -> Iterator[None]:
    """Take the tasks that a page declares away again: other tests look at all that there are."""
    before = {app: set(app.tasks) for app in _get_active_apps()}
    yield
    for app, names in before.items():
        for name in set(app.tasks) - names:
            del app.tasks[name]


def names_in(path: str, file: str) -> dict[str, Any]:
    """Return what a block of a page defines, once it is run."""
    (block,) = (block for block in blocks(ROOT / "docs" / path) if block.file == file)
    names: dict[str, Any] = {"__name__": f"documented_{uuid.uuid4().hex}"}
    exec(compile(block.code, block.name, "exec"), names)
    return names


@pytest.mark.parametrize("file", ["demoapp/test_import.py", "demoapp/test_page.py"])
def test_documented_tests_pass(file: str) -> None:
    """As a reader's own."""
    (case,) = (
        value
        for value in names_in("howto/testing.md", file).values()
        if isinstance(value, type) and value.__name__.endswith("Tests")
    )
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    result = unittest.TextTestRunner(stream=io.StringIO()).run(tests)
    assert result.testsRun == 1
    assert result.wasSuccessful(), result.errors + result.failures


def test_documented_receiver_hears() -> None:
    """Of failures, as it says."""
    names = names_in("howto/listening.md", "demoapp/listeners.py")
    task = TaskDriver()
    try:
        task.pending()
        task.started()
        task.failure(ValueError("line 3"))
    finally:
        task_status_changed.disconnect(names["remember_failures"])
    assert names["failures"] == [(task.task_id, "line 3")]


def test_documented_task_can_be_cancelled() -> None:
    """Its end is REVOKED."""
    clean = names_in("howto/cancelling.md", "demoapp/tasks.py")["clean"]
    task = TaskDriver()
    task.pending()
    get_store().ask_to_stop(task.task_id)
    clean.apply(args=[["a", "b"]], task_id=task.task_id)
    status = get_status(task.task_id)
    assert status is not None
    assert status.state == "REVOKED"


async def test_documented_policy_decides() -> None:
    """Staff read what is not of the payroll; strangers read nothing."""

    class Person:
        pk, is_authenticated = 5, True

        def __init__(self, *, is_staff: bool) -> None:
            self.is_staff = is_staff

        def has_perm(self, permission: str) -> bool:
            return False

    policy = names_in("howto/access.md", "proj/policies.py")["staff_too"]
    task, secret = TaskDriver(name="demoapp.add"), TaskDriver(name="payroll.pay")
    for driver in (task, secret):
        driver.pending()
    staff = Caller({"user": Person(is_staff=True)})
    assert await policy(staff, task.task_id, "read")
    assert not await policy(staff, secret.task_id, "read")
    assert not await policy(staff, task.task_id, "cancel")
    assert not await policy(Caller({"user": Person(is_staff=False)}), task.task_id, "read")


def test_table_of_settings_is_that_of_the_source() -> None:
    """``make docs`` writes it."""
    assert PAGE.read_text() == page()


def test_every_subcommand_is_documented() -> None:
    """With its options."""
    text = (ROOT / "docs" / "commands.md").read_text()
    parser = Command().create_parser("manage.py", "task")
    (subcommands,) = (action for action in parser._actions if action.dest == "subcommand")
    assert subcommands.choices is not None
    assert set(re.findall(r"^\| `task (\w+)", text, re.MULTILINE)) == set(subcommands.choices)
