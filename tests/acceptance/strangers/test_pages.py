"""A stranger follows our pages to the letter, in one project, with real processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from tests.acceptance.strangers.pages import (
    SERVER,
    WORKER,
    quick_start,
    tutorial,
    without_servers,
)
from tests.harness.following import follow_everywhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.browser import Visit
    from tests.acceptance.strangers.stranger import Stranger
    from tests.harness.following import Following

#: From ``pip install`` to a live bar on a page of one's own.
MOST_LINES = 15


def test_it_takes_few_lines(added: list[str]) -> None:
    """Every line that is new or different counts, comments and blank ones don't."""
    assert 0 < len(added) <= MOST_LINES, "\n".join(added)


def test_the_tutorial_says_the_same() -> None:
    """Who has done one of them has done the other."""
    ours = [(block.file, block.text) for block in quick_start() if block.file]
    assert ours == [(b.file, b.text) for b in tutorial("2. Make it live") if b.file]


def test_both_are_started_as_they_say() -> None:
    """The worker in one terminal, the site in another."""
    for page in (quick_start(), tutorial("3. Look at it")):
        assert {WORKER, SERVER} <= {command for block in page for command in block.commands}


def test_check_finds_nothing_to_mend(stranger: Stranger, added: list[str]) -> None:
    """The command of the quick start, and with what is asked before a deployment."""
    assert "no issues" in stranger.run("python manage.py check")
    assert "no issues" in stranger.run("python manage.py check --deploy --tag taskstatus")


def test_the_bar_is_live_on_their_page_and_on_all_transports(url: str, visitor: Visit) -> None:
    """A browser sees it move to the end; so do a WebSocket, an event stream and a poller."""
    visitor.page.goto(f"{url}/import/")
    bar = visitor.page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d?$"))
    element = visitor.page.locator("task-status")
    task_id, token = element.get_attribute("task"), element.get_attribute("token")
    assert task_id
    assert token
    for transport, seen in _follow(url, task_id, token).items():
        assert seen.states == ["PROGRESS", "SUCCESS"], transport
        assert len(seen.messages) > 5, transport
    expect(bar).to_have_attribute("aria-valuenow", "100")
    expect(element.locator("[part=state]")).to_have_text("Done")
    assert visitor.complaints == []


def _follow(url: str, task_id: str, token: str) -> dict[str, Following]:
    # In another thread, because Playwright runs an event loop in this one.
    with ThreadPoolExecutor() as threads:
        return threads.submit(asyncio.run, follow_everywhere(url, task_id, token)).result(60)


def test_the_commands_of_the_tutorial_work(stranger: Stranger, url: str) -> None:
    """Started and followed in a terminal, and found again."""
    said = ""
    for block in without_servers(tutorial("3. Look at it")):
        for command in block.commands:
            said = stranger.run(command)
    # The Redis is shared with other tests, whose tasks are listed as well.
    newest = next(line for line in said.splitlines() if "demoapp.tasks.import_rows" in line)
    assert "SUCCESS" in newest


def test_a_task_with_celery_progress_is_live(stranger: Stranger, url: str) -> None:
    """Its recorder's figures and words come over each transport; its own endpoint answers, too."""
    command = "python manage.py task start oldapp.tasks.add_up --args '[60]' --json"

    async def follow(task_id: str, token: str, go_on: Callable[[], None]) -> dict[str, Following]:
        ready = asyncio.Event()
        following = asyncio.create_task(follow_everywhere(url, task_id, token, ready=ready))
        await ready.wait()
        go_on()
        return await following

    with contextlib.ExitStack() as stack:
        # No worker has the task before all are there to see it.
        stack.enter_context(stranger.worker_held())
        started = json.loads(stranger.run(command))
        told = asyncio.run(follow(started["task_id"], started["token"], stack.close))
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
