"""What outside projects may rely on, name by name (PROTOCOL §9)."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from importlib.resources import files

import pytest

import taskstatus
from taskstatus import access, exceptions
from taskstatus.exceptions import TaskStatusError

MODULES = [
    module.name
    for module in pkgutil.walk_packages(taskstatus.__path__, "taskstatus.")
    if ".management" not in module.name
]


def test_package_exports_what_task_authors_and_readers_need() -> None:
    """A name that is added or taken away is a decision."""
    assert taskstatus.__all__ == [
        "Cancelled",
        "TaskStatus",
        "aget_status",
        "get_status",
        "log",
        "progress",
        "track",
    ]


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (taskstatus.track, "(rows, total=None, message='')"),
        (taskstatus.progress, "(current, total=None, message='')"),
        (taskstatus.log, "(line, level='info')"),
        (taskstatus.get_status, "(task_id)"),
        (taskstatus.aget_status, "(task_id)"),
        (access.make_token, "(task_id, scope='read', max_age=None)"),
    ],
)
def test_function_is_called_as_the_protocol_says(function: object, signature: str) -> None:
    """Names, order and defaults of the parameters are a promise."""
    assert callable(function)
    parameters = inspect.signature(function).parameters.values()
    bare = [parameter.replace(annotation=parameter.empty) for parameter in parameters]
    assert str(inspect.Signature(bare)) == signature


def test_function_stands_where_a_module_of_its_name_does() -> None:
    """``taskstatus.progress`` is the function, also after the module was imported."""
    importlib.import_module("taskstatus.progress")
    assert inspect.isfunction(taskstatus.progress)


def test_aget_status_is_asynchronous() -> None:
    """Django's ``a`` in front means what it means in Django."""
    assert inspect.iscoroutinefunction(taskstatus.aget_status)
    assert not inspect.iscoroutinefunction(taskstatus.get_status)


def test_cancelled_is_no_error_of_ours() -> None:
    """Code that tolerates our errors does not swallow a request to stop."""
    assert not issubclass(taskstatus.Cancelled, TaskStatusError)
    assert issubclass(taskstatus.Cancelled, Exception)


@pytest.mark.parametrize("name", MODULES)
def test_module_says_what_it_exports(name: str) -> None:
    """``__all__`` is there and true, and what is in it has a docstring."""
    module = importlib.import_module(name)
    assert module.__doc__
    for exported in getattr(module, "__all__", ()):
        value = getattr(module, exported)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, f"{name}.{exported}"


def test_error_tree_is_drawn_as_it_is() -> None:
    """The module's docstring lists every exception, once."""
    listed = re.findall(r"- (\w+)", exceptions.__doc__ or "")
    assert sorted(listed) == sorted(exceptions.__all__)


def test_package_is_typed() -> None:
    """Type checkers may use our annotations."""
    assert (files("taskstatus") / "py.typed").is_file()


def test_version_is_a_version() -> None:
    """The wheel takes it from here."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", taskstatus.__version__)
