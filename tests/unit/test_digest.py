"""A task's id as a name that is safe everywhere."""

from __future__ import annotations

import re

import pytest

from taskstatus.digest import digest


@pytest.mark.parametrize("task_id", ["a", "a:b {c}*\n", "行", "x" * 255])
def test_any_id_becomes_a_plain_name(task_id: str) -> None:
    """Nothing in it means anything to Redis or to a layer, and its length is known."""
    assert re.fullmatch(r"[0-9a-f]{32}", digest(task_id))


def test_ids_that_differ_have_names_that_differ() -> None:
    """And the same id has the same name in every process, whatever its version."""
    assert digest("a") != digest("b")
    assert digest("a") == "27c35e6e9373877f29e562464e46497e"
