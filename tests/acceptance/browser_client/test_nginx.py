"""What the client makes of a real nginx between a page and its server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.acceptance.browser_client.nginx import BUFFERING, nginx
from tests.acceptance.browser_client.shown_task import ShownTask
from tests.harness import steps

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.browser import Visit
    from tests.acceptance.browser_client.fault_proxy import FaultProxy

pytestmark = pytest.mark.timeout(120)
MANY = 50


def test_goes_on_by_long_poll_where_streams_are_held_back(
    visitor: Visit, proxy: FaultProxy, task: ShownTask, tmp_path: Path
) -> None:
    """It passes no WebSocket and buffers the stream: both are given up, and nothing is lost."""
    task.play(steps.pending(), steps.started())
    state = visitor.page.locator("task-status [part=state]")
    with nginx(proxy.port, tmp_path, BUFFERING) as url:
        visitor.page.goto(f"{url}/page/{task.id}/")
        expect(state).to_have_text("Running", timeout=40_000)
        transport = visitor.page.evaluate(
            "document.querySelector('task-status').watch.connection.transport"
        )
        assert transport == "poll"
        task.play(steps.log("line"), steps.success())
        expect(state).to_have_text("Done")
    lines = visitor.page.locator("task-status [part=lines] li")
    expect(lines).to_have_text(["line"])
    assert (proxy.requests["ws"], proxy.requests["sse"]) == (1, 1)


def test_streams_of_many_tasks_are_live_through_it(
    visitor: Visit, proxy: FaultProxy, task: ShownTask, tmp_path: Path
) -> None:
    """As it is when nobody has configured anything: its limits for URLs hold, streams flow."""
    tasks = [ShownTask(task.server) for _ in range(MANY)]
    for each in tasks:
        each.play(steps.pending(), steps.started())
    states = visitor.page.locator("task-status [part=state]")
    with nginx(proxy.port, tmp_path) as url:
        visitor.page.goto(f"{url}/page/{','.join(each.id for each in tasks)}/")
        expect(states.filter(has_text="Running")).to_have_count(MANY)
        for each in tasks:
            each.play(steps.success())
        expect(states.filter(has_text="Done")).to_have_count(MANY)
    assert proxy.requests["poll"] == 0
    assert proxy.requests["sse"] == 2
    assert proxy.most == 2
