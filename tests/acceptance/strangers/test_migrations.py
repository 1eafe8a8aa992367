"""Code of other times runs unchanged, and its progress is seen."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from tests.harness.following import follow_everywhere

if TYPE_CHECKING:
    from tests.acceptance.browser import Visit
    from tests.acceptance.strangers.stranger import Stranger


def test_a_task_with_celery_progress_is_live(stranger: Stranger, url: str) -> None:
    """Its recorder's figures and words come over each transport; its own endpoint answers, too."""
    command = "python manage.py task start oldapp.tasks.add_up --args '[60]' --json"
    started = json.loads(stranger.run(command))
    told = asyncio.run(follow_everywhere(url, started["task_id"], started["token"]))
    for transport, seen in told.items():
        assert seen.states[-1] == "SUCCESS", transport
        assert seen.last["result"] == sum(range(60))
        shown = [message["progress"] for message in seen.messages if message.state == "PROGRESS"]
        assert {progress["message"] for progress in shown} == {"adding up"}
        assert {progress["total"] for progress in shown} == {60}
    with urlopen(f"{url}/celery-progress/{started['task_id']}/") as answer:
        assert json.load(answer)["complete"] is True


@pytest.mark.parametrize(("by", "state", "error"), [(1, "SUCCESS", ""), (0, "FAILURE", "division")])
def test_the_tutorials_page_works(
    url: str, visitor: Visit, by: int, state: str, error: str
) -> None:
    """Its script, its socket, and a task that still calls its helper."""
    before = time.monotonic()
    visitor.page.goto(f"{url}/tutorial/?by={by}")
    expect(visitor.page.locator("#state")).to_have_text(state)
    expect(visitor.page.locator("#error")).to_contain_text(error)
    # Not by reconciling.
    assert time.monotonic() - before < 8
    assert visitor.complaints == []
