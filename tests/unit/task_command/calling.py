"""Calls ``manage.py task``, about tasks that end as they are told to."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from taskstatus.testing import TaskDriver

__all__ = ["ended", "fails", "task"]


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
