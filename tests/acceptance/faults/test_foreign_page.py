"""A page of another site in a real browser: it opens no WebSocket, cookie or not."""

from __future__ import annotations

import http.server
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from tests.acceptance.browser import OPTIONS, executable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.harness.environment import Layer
    from tests.harness.site import Site

#: ALLOWED_HOSTS of the test project has the first one alone. The second is another origin of the
#: same site, so that cookies go along; to the third one no cookie is lent.
OURS, SIBLING, FOREIGN = "good.example", "evil.good.example", "evil.example"
TRY = """([url]) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onmessage = (event) => resolve("told: " + event.data);
    socket.onclose = (event) => resolve("closed: " + event.code);
})"""


class Empty(http.server.BaseHTTPRequestHandler):
    """Answers everything with an empty page."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def pages() -> Iterator[int]:
    """Yield the port on which pages of any host are served."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def page() -> Iterator[Page]:
    """Yield a page of a browser for which every name is this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(),
            args=[*OPTIONS, "--host-resolver-rules=MAP * 127.0.0.1"],
        )
        yield browser.new_page()
        browser.close()


def test_a_page_of_another_origin_opens_no_websocket(
    site_on: Callable[[Layer], Site], page: Page, pages: int
) -> None:
    """Our own page is told by its session alone; others are not, by the same one or a token."""
    server = site_on("pubsub").server(0)
    port = urlsplit(server.url).port
    page.goto(f"http://{OURS}:{port}/login/?user=victim&permission=view_taskstatus")
    made = page.request.post(f"{server.url}/drive/", data={"task_id": "seen", "steps": STEPS})
    stream = f"ws://{OURS}:{port}/ws/task_status/seen/"
    with_token = f"{stream}?token={made.json()['token']}"
    for host, expected in ((OURS, "told: "), (SIBLING, "closed: 1006"), (FOREIGN, "closed: 1006")):
        page.goto(f"http://{host}:{pages}/")
        for url in (stream, with_token):
            assert str(page.evaluate(TRY, [url])).startswith(expected), (host, url)


STEPS = [{"op": "pending"}, {"op": "started"}]
