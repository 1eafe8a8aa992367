"""``<task-status>`` as a visitor has it."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.acceptance.browser import visit
from tests.harness import steps

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from tests.acceptance.browser import Visit
    from tests.acceptance.browser_client.fault_proxy import FaultProxy
    from tests.acceptance.browser_client.shown_task import ShownTask

pytestmark = pytest.mark.timeout(120)
FRONTEND = Path(__file__).resolve().parents[3] / "frontend"


def part(page: Page, name: str) -> Locator:
    """Return a part of the element."""
    return page.locator(f"task-status [part={name}]")


@pytest.mark.parametrize("transport", ["ws", "sse", "poll"])
def test_shows_a_task_over_each_transport_alone(
    visitor: Visit, proxy: FaultProxy, task: ShownTask, transport: str
) -> None:
    """State, figures, lines and the end come live, and over this transport only."""
    task.play(steps.pending(), steps.started(), steps.progress(30, 120, "rows"))
    visitor.page.goto(f"{proxy.url}/page/{task.id}/?transports={transport}")
    bar = visitor.page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "25")
    expect(bar).to_have_attribute("aria-valuetext", "Running, 30 of 120, 25 %")
    expect(part(visitor.page, "text")).to_contain_text("rows · 30 of 120 · 25 % · ")
    task.play(steps.log("a <b>line</b>"), steps.progress(90, 120))
    expect(bar).to_have_attribute("aria-valuenow", "75")
    visitor.page.get_by_text("Log", exact=True).click()
    expect(part(visitor.page, "lines").locator("li")).to_have_text(["a <b>line</b>"])
    task.play(steps.success())
    expect(part(visitor.page, "state")).to_have_text("Done")
    expect(bar).to_have_attribute("aria-valuenow", "100")
    expect(visitor.page.get_by_role("status")).to_have_text("Done")
    assert {name for name in proxy.requests if name in {"ws", "sse", "poll"}} == {transport}
    assert proxy.most == 1
    assert visitor.complaints == []


def test_shows_a_task_that_ended_before(visitor: Visit, proxy: FaultProxy, task: ShownTask) -> None:
    """Who comes late sees the outcome, and the connection is closed."""
    task.play(steps.pending(), steps.started(), steps.failure(steps.error("ValueError", "line 3")))
    visitor.page.goto(f"{proxy.url}/page/{task.id}/")
    expect(part(visitor.page, "state")).to_have_text("Failed")
    expect(part(visitor.page, "error")).to_have_text("line 3")
    assert proxy.requests["ws"] == 1


def test_is_indeterminate_without_a_total(
    visitor: Visit, proxy: FaultProxy, task: ShownTask
) -> None:
    """No figure is made up."""
    task.play(steps.pending(), steps.started(), steps.progress(1234))
    visitor.page.goto(f"{proxy.url}/page/{task.id}/")
    bar = visitor.page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", "Running, 1,234")
    assert bar.get_attribute("aria-valuenow") is None


def test_says_that_its_worker_is_silent(visitor: Visit, proxy: FaultProxy, task: ShownTask) -> None:
    """It is said where it is seen and where it is heard, until the task ends."""
    task.play(steps.pending(), steps.started(), steps.stalled())
    visitor.page.goto(f"{proxy.url}/page/{task.id}/")
    said = "Its worker shows no sign of life."
    expect(part(visitor.page, "note")).to_have_text(said)
    expect(visitor.page.get_by_role("status")).to_have_text(f"Running, {said}")
    task.play(steps.success())
    expect(part(visitor.page, "note")).to_be_hidden()
    expect(visitor.page.get_by_role("status")).to_have_text("Done")


def test_says_that_there_is_no_such_task(
    visitor: Visit, proxy: FaultProxy, task: ShownTask
) -> None:
    """It asks once."""
    visitor.page.goto(f"{proxy.url}/page/{task.id}/")
    expect(part(visitor.page, "error")).to_have_text("Its status cannot be shown (404).")
    assert proxy.requests["ws"] == 1
    assert proxy.requests["sse"] == proxy.requests["poll"] == 0


def test_says_that_it_is_refused(visitor: Visit, proxy: FaultProxy, task: ShownTask) -> None:
    """A token that is none gets nothing, and is not tried again."""
    task.play(steps.pending())
    visitor.page.goto(f"{proxy.url}/bare/")
    show(visitor.page, task.id, token="forged")
    expect(part(visitor.page, "error")).to_have_text("Its status cannot be shown (403).")
    assert proxy.requests["ws"] == 1


def test_asks_for_another_token_when_one_expires(
    visitor: Visit, proxy: FaultProxy, task: ShownTask
) -> None:
    """The stream ends with its token; the next one goes on from the cursor."""
    task.play(steps.pending(), steps.started())
    tokens = [task.token(max_age=2), task.token()]
    visitor.page.goto(f"{proxy.url}/bare/")
    visitor.page.evaluate("tokens => { window.nextToken = async () => tokens.shift(); }", tokens)
    show(visitor.page, task.id)
    expect(part(visitor.page, "state")).to_have_text("Running")
    visitor.page.wait_for_function(
        "() => document.querySelector('task-status').watch.connection.state === 'waiting'"
    )
    task.play(steps.log("later"), steps.success())
    expect(part(visitor.page, "state")).to_have_text("Done")
    expect(part(visitor.page, "lines").locator("li")).to_have_count(1)


def show(page: Page, task_id: str, token: str | None = None) -> None:
    """Add the element to a page, with a token or with ``window.nextToken``."""
    page.evaluate(
        """async ([task, token]) => {
            await import("/static/taskstatus/task-status.js");
            const element = document.createElement("task-status");
            element.setAttribute("task", task);
            element.token = token ?? window.nextToken;
            document.querySelector("main").append(element);
        }""",
        [task_id, token],
    )


def test_announces_quarters_and_not_every_tick(
    visitor: Visit, proxy: FaultProxy, task: ShownTask
) -> None:
    """A screen reader is told of the start, each quarter and the end."""
    task.play(steps.pending(), steps.started(), steps.progress(1, 100))
    visitor.page.goto(f"{proxy.url}/page/{task.id}/")
    live = visitor.page.get_by_role("status")
    expect(live).to_have_text("Running")
    visitor.page.evaluate(
        """() => {
            window.told = [];
            const { shadowRoot } = document.querySelector("task-status");
            const live = shadowRoot.querySelector("[role=status]");
            const observer = new MutationObserver(() => window.told.push(live.textContent));
            observer.observe(live, { childList: true });
        }"""
    )
    bar = visitor.page.get_by_role("progressbar")
    for percent in range(5, 100, 5):
        task.play(steps.progress(percent, 100))
        expect(bar).to_have_attribute("aria-valuenow", str(percent))
    task.play(steps.success())
    expect(live).to_have_text("Done")
    assert visitor.page.evaluate("told") == [
        "Running, 25 %",
        "Running, 50 %",
        "Running, 75 %",
        "Done",
    ]


def test_follows_the_direction_of_the_page_and_moves_only_for_who_likes_it(
    visitor: Visit, proxy: FaultProxy, task: ShownTask
) -> None:
    """In Arabic the bar fills from the right; a message in English stays before its figures."""
    task.play(steps.pending(), steps.started())
    visitor.page.goto(f"{proxy.url}/page/{task.id}/?language=ar")
    fill = part(visitor.page, "fill")
    expect(fill).to_have_css("animation-name", "busy")
    visitor.page.emulate_media(reduced_motion="reduce")
    expect(fill).to_have_css("animation-name", "none")
    task.play(steps.progress(30, 120, "rows"))
    expect(visitor.page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "25")
    bar, filled, message, figures = (
        part(visitor.page, name).evaluate("part => part.getBoundingClientRect().toJSON()")
        for name in ("bar", "fill", "message", "figures")
    )
    assert filled["left"] > (bar["left"] + bar["right"]) / 2
    assert bar["right"] - filled["right"] < 3
    assert message["left"] >= figures["right"] - 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_axe_finds_nothing(
    visitor: Visit, proxy: FaultProxy, task: ShownTask, language: str, scheme: Any
) -> None:
    """Running, with lines, and failed; in light and dark, from left to right and the other way."""
    axe = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        pytest.skip("There is no axe-core: run npm ci in frontend/.")
    visitor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    task.play(steps.pending(), steps.started(), steps.log("line"), steps.progress(1, 2))
    visitor.page.goto(f"{proxy.url}/page/{task.id}/?language={language}")
    expect(visitor.page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    # What the browser paints a page on by itself, axe takes for white.
    visitor.page.evaluate(
        """() => {
            document.documentElement.style.colorScheme = "light dark";
            document.body.style.background = "Canvas";
        }"""
    )
    visitor.page.evaluate(axe.read_text())
    task.play(steps.log("another"))
    for _ in range(2):
        report = visitor.page.evaluate("axe.run()")
        assert [(rule["id"], rule["nodes"]) for rule in report["violations"]] == []
        task.play(steps.failure())
        word = {"de": "Fehlgeschlagen"}.get(language, "Failed")
        expect(part(visitor.page, "state")).to_have_text(word)


def test_without_script_a_link_leads_to_a_page_that_loads_itself_again(
    chromium: Browser, proxy: FaultProxy, task: ShownTask
) -> None:
    """The status can be read with nothing but HTML."""
    task.play(steps.pending(), steps.started(), steps.progress(1, 4))
    context = chromium.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{proxy.url}/page/{task.id}/")
        page.get_by_role("link", name="Show the status of the task").click()
        expect(page.get_by_role("heading")).to_have_text("Running")
        expect(page.get_by_role("progressbar")).to_have_attribute("value", "25.0")
        task.play(steps.success())
        expect(page.get_by_role("heading")).to_have_text("Done", timeout=15_000)
    finally:
        context.close()


def test_all_that_a_page_loads(chromium: Browser, proxy: FaultProxy, task: ShownTask) -> None:
    """Each file is gzipped on its own, as a server would; see LIMIT_BYTES."""
    task.play(steps.pending(), steps.success())
    with visit(chromium) as made:
        bodies: list[bytes] = []
        made.page.on(
            "response",
            lambda response: (
                bodies.append(response.body())
                if re.search(r"/static/taskstatus/", response.url)
                else None
            ),
        )
        made.page.goto(f"{proxy.url}/page/{task.id}/")
        expect(part(made.page, "state")).to_have_text("Done")
        size = sum(len(gzip.compress(body, 9)) for body in bodies)
    assert 0 < size <= LIMIT_BYTES


LIMIT_BYTES = 8 * 1024
