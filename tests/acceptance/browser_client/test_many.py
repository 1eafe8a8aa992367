"""One page with many tasks: HTTP/1.1 has six connections for a host, and it needs two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.acceptance.browser_client.fault_proxy import STREAMS
from tests.acceptance.browser_client.shown_task import ShownTask
from tests.harness import steps

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.acceptance.browser import Visit
    from tests.acceptance.browser_client.fault_proxy import FaultProxy

pytestmark = pytest.mark.timeout(120)
MANY = 50


@pytest.fixture
def tasks(task: ShownTask) -> list[ShownTask]:
    """Return tasks that are under way."""
    many = [ShownTask(task.server) for _ in range(MANY)]
    play(many, steps.pending(), steps.started())
    return many


def play(tasks: list[ShownTask], *played: steps.Step) -> None:
    """Let all tasks go through the same."""
    for task in tasks:
        task.play(*played)


def show(visitor: Visit, proxy: FaultProxy, tasks: list[ShownTask], query: str = "") -> None:
    """Open a page with an element for each task, with a token of its own; wait for all."""
    ids = ",".join(task.id for task in tasks)
    visitor.page.goto(f"{proxy.url}/page/{ids}/?{query}")
    expect(parts(visitor.page, "state", "Running")).to_have_count(len(tasks))


def parts(page: Page, name: str, text: str) -> Locator:
    """Return the parts of this name, of all elements, that have this text."""
    return page.locator(f"task-status [part={name}]").filter(has_text=text)


@pytest.mark.parametrize(("transport", "connections"), [("ws", 1), ("sse", 2), ("poll", 2)])
def test_all_are_live_over_few_connections(
    visitor: Visit, proxy: FaultProxy, tasks: list[ShownTask], transport: str, connections: int
) -> None:
    """Each element shows its own task at each step, and no request is longer than proxies take."""
    show(visitor, proxy, tasks, f"transports={transport}")
    for number, task in enumerate(tasks):
        task.play(steps.log("line"), steps.progress(number, 2 * MANY, f"task {number}"))
    for number in (0, MANY // 2, MANY - 1):
        text = visitor.page.locator("task-status [part=text]").nth(number)
        expect(text).to_contain_text(f"task {number} · {number} of {2 * MANY}")
    expect(parts(visitor.page, "text", "task")).to_have_count(MANY)
    play(tasks, steps.success())
    expect(parts(visitor.page, "state", "Done")).to_have_count(MANY)
    lines = visitor.page.locator("task-status [part=lines] li").all_text_contents()
    assert lines == ["line"] * MANY
    assert proxy.most == connections
    assert {name for name in proxy.requests if name in STREAMS} == {transport}
    if transport != "poll":
        assert proxy.requests[transport] == connections
    assert proxy.longest < 7_100
    assert visitor.complaints == []


def test_all_fall_back_together(visitor: Visit, proxy: FaultProxy, tasks: list[ShownTask]) -> None:
    """A transport that is refused costs no more than it does for one task."""
    proxy.faults.update({"ws": "refuse", "sse": "refuse"})
    show(visitor, proxy, tasks)
    play(tasks, steps.success())
    expect(parts(visitor.page, "state", "Done")).to_have_count(MANY)
    assert proxy.most <= 2
    assert proxy.requests["ws"] == 1
    assert proxy.requests["sse"] <= 2


def test_what_leaves_the_page_is_followed_no_more(
    visitor: Visit, proxy: FaultProxy, tasks: list[ShownTask]
) -> None:
    """One more comes and others go over the open connection; with the last one it is closed."""
    show(visitor, proxy, tasks[:3])
    visitor.page.evaluate(
        """([task, token]) => {
            const [first, second] = document.querySelectorAll("task-status");
            const element = first.cloneNode();
            element.setAttribute("task", task);
            element.setAttribute("token", token);
            first.replaceWith(element);
            second.remove();
        }""",
        [tasks[3].id, tasks[3].token()],
    )
    expect(parts(visitor.page, "state", "Running")).to_have_count(2)
    play(tasks[:4], steps.success())
    expect(parts(visitor.page, "state", "Done")).to_have_count(2)
    assert proxy.requests["ws"] == 1
    visitor.page.wait_for_function(
        "() => [...document.querySelectorAll('task-status')].every(({watch}) => watch.end)"
    )
    for _ in range(100):
        if not proxy.streams:
            break
        visitor.page.wait_for_timeout(20)
    assert proxy.streams == 0


def test_a_token_that_expires_is_renewed_on_the_open_connection(
    visitor: Visit, proxy: FaultProxy, tasks: list[ShownTask]
) -> None:
    """The server ends that task alone; the others go on, and so does it with its next token."""
    first, second = tasks[:2]
    visitor.page.goto(f"{proxy.url}/bare/")
    visitor.page.evaluate(
        """async (given) => {
            window.asked = 0;
            await import("/static/taskstatus/task-status.js");
            for (const { id, tokens } of given) {
                const element = document.createElement("task-status");
                element.setAttribute("task", id);
                element.token = async () => (asked++, tokens.shift());
                document.querySelector("main").append(element);
            }
        }""",
        [
            {"id": first.id, "tokens": [first.token(max_age=2), first.token()]},
            {"id": second.id, "tokens": [second.token()]},
        ],
    )
    expect(parts(visitor.page, "state", "Running")).to_have_count(2)
    visitor.page.wait_for_function("() => asked === 3")
    play([first, second], steps.log("later"), steps.success())
    expect(parts(visitor.page, "state", "Done")).to_have_count(2)
    lines = visitor.page.locator("task-status [part=lines] li").all_text_contents()
    assert lines == ["later", "later"]
    assert (proxy.requests["ws"], proxy.requests["sse"], proxy.most) == (1, 0, 1)
