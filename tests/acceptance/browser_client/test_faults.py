"""What may go wrong between a page and its server, in a real browser."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.acceptance.browser_client.conftest import port_of
from tests.acceptance.browser_client.fault_proxy import STREAMS
from tests.acceptance.browser_client.tabs import tab
from tests.harness import steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.acceptance.browser import Visit
    from tests.acceptance.browser_client.fault_proxy import Fault, FaultProxy
    from tests.acceptance.browser_client.shown_task import ShownTask
    from tests.harness.servers import Server

pytestmark = pytest.mark.timeout(120)


def open_page(visitor: Visit, proxy: FaultProxy, task: ShownTask) -> None:
    """Show a task that is under way."""
    task.play(steps.pending(), steps.started())
    visitor.page.goto(f"{proxy.url}/page/{task.id}/")


def expect_state(visitor: Visit, word: str) -> None:
    """Wait until the element shows a state."""
    expect(visitor.page.locator("task-status [part=state]")).to_have_text(word, timeout=40_000)


def expect_live(visitor: Visit, transport: str) -> None:
    """Wait until the task is followed over a transport."""
    visitor.page.wait_for_function(
        """transport => {
            const { connection, status } = document.querySelector("task-status").watch;
            return status && connection.state === "open" && connection.transport === transport;
        }""",
        arg=transport,
        timeout=40_000,
    )


def finish(visitor: Visit, task: ShownTask, *lines: str) -> None:
    """End the task; the page must have shown each line once, in order."""
    task.play(*map(steps.log, lines), steps.success())
    expect_state(visitor, "Done")


def shown_lines(visitor: Visit) -> list[str]:
    """Return the lines that the page shows."""
    return visitor.page.locator("task-status [part=lines] li").all_text_contents()


@pytest.mark.parametrize(
    ("faults", "transport"),
    [
        ({"ws": "refuse"}, "sse"),
        ({"ws": "mute"}, "sse"),
        ({"ws": "refuse", "sse": "refuse"}, "poll"),
    ],
    ids=["refused", "mute", "both refused"],
)
def test_goes_on_over_what_works(
    visitor: Visit,
    proxy: FaultProxy,
    task: ShownTask,
    faults: dict[str, Fault],
    transport: str,
) -> None:
    """What is refused, or accepted and mute, is given up for the next one."""
    proxy.faults.update(faults)
    open_page(visitor, proxy, task)
    expect_live(visitor, transport)
    finish(visitor, task, "second")
    assert shown_lines(visitor) == ["second"]
    assert proxy.most == 1
    assert sum(proxy.requests[name] for name in STREAMS) <= 8


@pytest.mark.parametrize("fault", ["refuse", "mute"])
def test_loses_nothing_when_what_worked_works_no_longer(
    visitor: Visit, proxy: FaultProxy, task: ShownTask, fault: Fault
) -> None:
    """Swallowed lines are there once the next transport goes on from the cursor."""
    open_page(visitor, proxy, task)
    expect_live(visitor, "ws")
    task.play(steps.log("seen"))
    expect(visitor.page.locator("task-status [part=lines] li")).to_have_text(["seen"])
    proxy.faults["ws"] = fault
    if fault == "refuse":
        proxy.cut()
    task.play(steps.log("missed"))
    expect_live(visitor, "sse")
    finish(visitor, task, "last")
    assert shown_lines(visitor) == ["seen", "missed", "last"]


def test_survives_the_death_of_the_server(
    visitor: Visit, proxy: FaultProxy, task: ShownTask, start_server: Callable[[], Server]
) -> None:
    """While no server is there it asks now and then; then it goes on, and misses nothing."""
    mortal = start_server()
    proxy.target = port_of(mortal)
    open_page(visitor, proxy, task)
    expect_live(visitor, "ws")
    before = sum(proxy.requests.values())
    os.kill(mortal.process.pid, signal.SIGKILL)
    task.play(steps.log("missed"))
    mortal = start_server()
    asked = sum(proxy.requests.values()) - before
    assert 1 <= asked <= 12
    proxy.target = port_of(mortal)
    finish(visitor, task, "last")
    assert shown_lines(visitor) == ["missed", "last"]
    mortal.process.stop()


def test_stops_where_a_task_is_gone(visitor: Visit, proxy: FaultProxy, task: ShownTask) -> None:
    """A 410 is for good. (What a WebSocket's handshake is answered no page can see.)"""
    proxy.faults.update({"ws": "gone", "sse": "gone"})
    open_page(visitor, proxy, task)
    error = visitor.page.locator("task-status [part=error]")
    expect(error).to_have_text("Its status cannot be shown (410).")
    assert visitor.page.evaluate("document.querySelector('task-status').watch.end.code") == 410
    # What is woken asks no more.
    visitor.page.evaluate(
        "['online', 'pageshow'].forEach((type) => dispatchEvent(new Event(type)))"
    )
    visitor.page.evaluate("new Promise((resolve) => setTimeout(resolve, 100))")
    assert [proxy.requests[name] for name in STREAMS] == [1, 1, 0]


def test_goes_on_when_the_network_is_back(
    visitor: Visit, proxy: FaultProxy, task: ShownTask
) -> None:
    """It comes back as soon as the browser says that it is online."""
    open_page(visitor, proxy, task)
    expect_live(visitor, "ws")
    visitor.page.context.set_offline(True)
    proxy.cut()
    task.play(steps.log("missed"))
    visitor.page.wait_for_function(
        "() => document.querySelector('task-status').watch.connection.state !== 'open'"
    )
    visitor.page.context.set_offline(False)
    finish(visitor, task, "last")
    assert shown_lines(visitor) == ["missed", "last"]


def test_goes_on_in_a_hidden_tab_and_when_a_frozen_one_is_shown_again(
    proxy: FaultProxy, task: ShownTask, tmp_path: Path
) -> None:
    """Hidden it comes back by itself; what happened while it was asleep is shown when it wakes."""
    task.play(steps.pending(), steps.started())
    element = "document.querySelector('task-status')"
    lines = (
        f"[...{element}.shadowRoot.querySelectorAll('li')].map(({{textContent}}) => textContent)"
    )
    with tab(tmp_path) as shown:
        shown.go(f"{proxy.url}/page/{task.id}/")
        shown.wait_for(f"{element}.watch.status.state", "STARTED")
        shown.hide()
        proxy.cut()
        task.play(steps.log("hidden"))
        shown.wait_for(lines, ["hidden"])
        shown.freeze()
        proxy.cut()
        before = sum(proxy.requests.values())
        task.play(steps.log("asleep"), steps.success())
        shown.show()
        shown.wait_for(f"{element}.watch.status.state", "SUCCESS")
        assert shown.evaluate(lines) == ["hidden", "asleep"]
        assert sum(proxy.requests.values()) - before <= 2


def test_goes_on_after_a_reload_and_after_the_way_back(
    visitor: Visit, proxy: FaultProxy, task: ShownTask
) -> None:
    """A page that is loaded again shows the task as it is; so does one that is come back to."""
    proxy.faults["ws"] = "refuse"
    open_page(visitor, proxy, task)
    expect_live(visitor, "sse")
    before = proxy.requests["ws"]
    visitor.page.reload()
    expect_live(visitor, "sse")
    assert proxy.requests["ws"] == before, "the tab should remember what worked"
    visitor.page.goto(f"{proxy.url}/bare/")
    visitor.page.go_back()
    expect_live(visitor, "sse")
    finish(visitor, task)
