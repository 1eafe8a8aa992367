"""A stranger follows our pages to the letter, in an empty folder, with real processes."""

from __future__ import annotations

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from config.demo.probes import is_served
from config.demo.redis_server import free_port
from tests.acceptance.browser import browser, visit
from tests.acceptance.stranger import Stranger
from tests.harness.document import Block, blocks
from tests.harness.following import follow_everywhere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.browser import Visit
    from tests.harness.following import Following

ROOT = Path(__file__).resolve().parents[2]
#: From ``pip install`` to a live bar on a page of one's own.
MOST_LINES = 15
WORKER = "celery -A proj worker --loglevel INFO"
SERVER = "python manage.py runserver"


def readme() -> list[Block]:
    """Return the blocks of the quick start."""
    return blocks(ROOT / "README.md", section="Use it in your project")


def tutorial(section: str) -> list[Block]:
    """Return the blocks of a part of the tutorial."""
    return blocks(ROOT / "docs" / "tutorial.md", section=section)


def without_servers(found: list[Block]) -> list[Block]:
    """Return the blocks without those that start what goes on."""
    return [block for block in found if not {WORKER, SERVER} & set(block.commands)]


@pytest.fixture(scope="module")
def stranger(
    installed: Path, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stranger]:
    """Yield somebody with a Django project in which Celery works, and nothing of ours."""
    made = Stranger(installed, tmp_path_factory.mktemp("proj"), redis_url)
    made.paste(tutorial("1. A project with Celery"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def added(stranger: Stranger) -> list[str]:
    """Return the lines that the quick start adds to the project."""
    before = stranger.sources()
    stranger.paste(without_servers(readme()))
    return stranger.added_since(before)


@pytest.fixture(scope="module")
def url(stranger: Stranger, added: list[str]) -> str:
    """Return where the site is served, by the commands of the quick start, with a worker."""
    typed = [command for block in readme() for command in block.commands]
    assert {WORKER, SERVER} <= set(typed)
    port = free_port()
    stranger.start(WORKER, until=r"celery@\S+ ready")
    stranger.start(f"{SERVER} --noreload 127.0.0.1:{port}", until="ASGI/Daphne")
    deadline = time.monotonic() + 20
    # The development server says that it starts, and nothing once it listens.
    while not is_served(port, "/static/taskstatus/watch.js"):
        assert time.monotonic() < deadline, stranger.running[-1].log
        time.sleep(0.05)
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def visitor() -> Iterator[Visit]:
    """Yield somebody with a browser."""
    with browser() as running, visit(running) as made:
        yield made


def test_it_takes_few_lines(added: list[str]) -> None:
    """Every line that is new or different counts, comments and blank ones don't."""
    assert 0 < len(added) <= MOST_LINES, "\n".join(added)


def test_the_tutorial_says_the_same() -> None:
    """Who has done one of them has done the other."""
    ours = [(block.file, block.text) for block in readme() if block.file]
    assert ours == [(b.file, b.text) for b in tutorial("2. Make it live") if b.file]


def test_check_finds_nothing_to_mend(stranger: Stranger, added: list[str]) -> None:
    """The command of the quick start, and with all that is asked before a deployment."""
    assert "no issues" in stranger.run("python manage.py check")
    assert "taskstatus." not in stranger.run("python manage.py check --deploy --tag taskstatus")


def test_the_bar_is_live_on_their_page_and_on_all_transports(url: str, visitor: Visit) -> None:
    """A browser sees it move to the end; so do a WebSocket, an event stream and a poller."""
    visitor.page.set_default_timeout(20_000)
    # A browser asks for this, and their site has none.
    visitor.page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    visitor.page.goto(f"{url}/import/")
    bar = visitor.page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"[1-9]\d?\Z"))
    element = visitor.page.locator("task-status")
    task_id, token = element.get_attribute("task"), element.get_attribute("token")
    assert task_id
    assert token
    for transport, seen in _follow(url, task_id, token).items():
        assert seen.states[-1] == "SUCCESS", transport
        assert len([message for message in seen.messages if message.state == "PROGRESS"]) > 5
    expect(bar).to_have_attribute("aria-valuenow", "100")
    expect(element.locator("[part=state]")).to_have_text("Done")
    assert visitor.complaints == []


def _follow(url: str, task_id: str, token: str) -> dict[str, Following]:
    # In another thread, because Playwright runs an event loop in this one.
    with ThreadPoolExecutor() as threads:
        return threads.submit(asyncio.run, follow_everywhere(url, task_id, token)).result(60)


def test_the_commands_of_the_tutorial_work(stranger: Stranger, url: str) -> None:
    """Started and followed in a terminal, and found again."""
    for block in without_servers(tutorial("3. Look at it")):
        for command in block.commands:
            said = stranger.run(command)
    assert "demoapp.tasks.import_rows" in said
    assert "SUCCESS" in said
