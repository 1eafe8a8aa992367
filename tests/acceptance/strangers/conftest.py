"""One project of a stranger, in which everything is tried that our pages say."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from config.demo.probes import is_served
from config.demo.redis_server import free_port
from tests.acceptance.browser import browser, visit
from tests.acceptance.strangers import pages
from tests.acceptance.strangers.stranger import Stranger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.browser import Visit


@pytest.fixture(scope="package")
def stranger(
    installed: Path, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stranger]:
    """Yield somebody with a Django project in which Celery works, and nothing of ours."""
    made = Stranger(installed, tmp_path_factory.mktemp("proj"), redis_url)
    made.paste(pages.tutorial("1. A project with Celery"))
    yield made
    made.stop()


@pytest.fixture(scope="package")
def added(stranger: Stranger) -> list[str]:
    """Return the lines that the quick start adds to the project."""
    before = stranger.sources()
    stranger.paste(pages.without_servers(pages.quick_start()))
    return stranger.added_since(before)


@pytest.fixture(scope="package")
def url(stranger: Stranger, added: list[str]) -> str:
    """Return where the site is served, by the commands of the quick start, with a worker.

    By now the project has tasks and pages of other times, too.
    """
    stranger.run("python manage.py startapp oldapp")
    for name in ("celery-progress", "channels-tutorial"):
        stranger.paste(pages.migration(name))
    stranger.write_at_end("proj/settings.py", 'INSTALLED_APPS += ["celery_progress", "oldapp"]')
    urls = 'urlpatterns += [path("celery-progress/", include("celery_progress.urls"))]'
    stranger.write_at_end("proj/urls.py", urls)
    port = free_port()
    stranger.start(pages.WORKER, until=r"celery@\S+ ready")
    stranger.start(f"{pages.SERVER} --noreload 127.0.0.1:{port}", until="ASGI/Daphne")
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
        made.page.set_default_timeout(20_000)
        # A browser asks for this, and their site has none.
        made.page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        yield made
