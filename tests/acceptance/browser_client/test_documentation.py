"""The client of docs/javascript.md for anything that speaks HTTP."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import steps

if TYPE_CHECKING:
    from tests.acceptance.browser_client.fault_proxy import FaultProxy
    from tests.acceptance.browser_client.shown_task import ShownTask
    from tests.harness.servers import Server

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "javascript.md"


@pytest.fixture
def example() -> str:
    """Return the example in the document."""
    block = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert block
    return block[1]


@pytest.fixture
def names(example: str) -> dict[str, Any]:
    """Return what the example defines."""
    names: dict[str, Any] = {}
    exec(example, names)
    return names


def test_has_twenty_lines(example: str) -> None:
    """As it says above it; empty ones do not count."""
    assert len(re.findall(r"^.*\S", example, re.MULTILINE)) <= 20


def test_follows_a_task_to_its_end_through_a_cut(
    names: dict[str, Any], proxy: FaultProxy, task: ShownTask
) -> None:
    """The example does what it says."""
    # The wait after a cut is what mends it.
    names["time"] = SimpleNamespace(sleep=lambda _: proxy.faults.clear())
    task.play(steps.pending(), steps.started())
    messages = names["follow"](proxy.url, task.id, task.token())
    assert next(messages)["state"] == "STARTED"
    proxy.faults["poll"] = "refuse"
    task.play(steps.log("a line"), steps.success())
    assert [message.get("state", "line") for message in messages] == ["line", "SUCCESS"]
    assert proxy.requests["poll"] >= 3


def test_stops_where_it_is_refused(
    names: dict[str, Any], page_server: Server, task: ShownTask
) -> None:
    """It says why."""
    with pytest.raises(SystemExit, match="This needs a token"):
        next(names["follow"](page_server.url, task.id, "forged"))
