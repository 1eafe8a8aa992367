"""The client of docs/javascript.md for anything that speaks HTTP."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import steps

if TYPE_CHECKING:
    from tests.acceptance.browser_client.shown_task import ShownTask
    from tests.harness.servers import Server

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "javascript.md"


@pytest.fixture
def follow() -> Any:
    """Return the function in the document."""
    block = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert block
    names: dict[str, Any] = {}
    exec(block[1], names)
    return names["follow"]


def test_follows_a_task_to_its_end(follow: Any, page_server: Server, task: ShownTask) -> None:
    """The example does what it says."""
    task.play(steps.pending(), steps.started())
    messages = follow(page_server.url, task.id, task.token())
    assert next(messages)["state"] == "STARTED"
    task.play(steps.log("a line"), steps.success())
    assert [message.get("state", "line") for message in messages] == ["line", "SUCCESS"]


def test_stops_where_it_is_refused(follow: Any, page_server: Server, task: ShownTask) -> None:
    """It says why."""
    with pytest.raises(SystemExit, match="This needs a token"):
        next(follow(page_server.url, task.id, "forged"))
