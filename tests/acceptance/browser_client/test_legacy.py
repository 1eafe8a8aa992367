"""``legacy.js`` in a browser, where XMLHttpRequest is the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness import steps

if TYPE_CHECKING:
    from tests.acceptance.browser import Visit
    from tests.acceptance.browser_client.fault_proxy import FaultProxy
    from tests.acceptance.browser_client.shown_task import ShownTask

pytestmark = pytest.mark.timeout(120)
FOLLOW = """([id, token]) => {
    window.told = [];
    var task = taskstatus.watch(id, { token: token });
    var tell = function (event) { told.push(event.detail.state || event.detail.message); };
    task.on("status", tell);
    task.on("log", tell);
    task.on("end", function (event) { told.push([event.detail.reason, event.detail.code]); });
}"""


def follow(visitor: Visit, proxy: FaultProxy, task: ShownTask, token: str) -> None:
    """Open a page with the script, and follow a task."""
    visitor.page.goto(f"{proxy.url}/bare/")
    visitor.page.add_script_tag(url="/static/taskstatus/legacy.js")
    visitor.page.evaluate(FOLLOW, [task.id, token])


def told(visitor: Visit, count: int) -> list[object]:
    """Return what was told, once there is so much of it."""
    visitor.page.wait_for_function("count => told.length >= count", arg=count)
    seen: list[object] = visitor.page.evaluate("told")
    return seen


def test_follows_a_task_through_a_cut_to_its_end(
    visitor: Visit, proxy: FaultProxy, task: ShownTask
) -> None:
    """By long-poll alone, from its cursor."""
    task.play(steps.pending(), steps.started())
    follow(visitor, proxy, task, task.token())
    assert told(visitor, 1) == ["STARTED"]
    proxy.faults["poll"] = "refuse"
    proxy.cut()
    task.play(steps.log("missed"))
    del proxy.faults["poll"]
    assert told(visitor, 2) == ["STARTED", "missed"]
    task.play(steps.success())
    assert told(visitor, 4) == ["STARTED", "missed", "SUCCESS", ["ready", None]]
    assert proxy.requests["ws"] == proxy.requests["sse"] == 0
    assert proxy.most == 1


def test_stops_where_it_is_refused(visitor: Visit, proxy: FaultProxy, task: ShownTask) -> None:
    """It asks once."""
    task.play(steps.pending())
    follow(visitor, proxy, task, "forged")
    assert told(visitor, 1) == [["refused", 403]]
    assert proxy.requests["poll"] == 1
