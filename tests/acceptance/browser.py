"""A real browser, headless, that tells what it loaded and what it complained about."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

__all__ = ["OPTIONS", "Visit", "browser", "executable", "visit"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
# No sandbox: in a container the tests are root. The rest keeps the browser from calling home.
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(slots=True)
class Visit:
    """A page, and what happened on it."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)


def executable() -> str:
    """Return the browser that is installed; skip the test where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("There is no Chromium: install it to run the browser tests.")
    return program


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Run the browser that is installed; skip the test where there is none."""
    # Not at the top: the corners of the matrix have no browser, nor what drives one.
    from playwright.sync_api import sync_playwright

    program = executable()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        try:
            yield running
        finally:
            running.close()


@contextlib.contextmanager
def visit(running: Browser) -> Iterator[Visit]:
    """Open a page as a visitor who was never here before."""
    context = running.new_context()
    made = Visit(page=context.new_page())
    made.page.on("request", lambda request: made.hosts.add(urlsplit(request.url).netloc))
    made.page.on("websocket", lambda socket: made.hosts.add(urlsplit(socket.url).netloc))
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
    made.page.on(
        "console",
        lambda message: (
            made.complaints.append(message.text) if message.type in {"error", "warning"} else None
        ),
    )
    try:
        yield made
    finally:
        context.close()
