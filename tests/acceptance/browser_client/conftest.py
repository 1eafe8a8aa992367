"""A server of the page, a browser, and a proxy between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.acceptance.browser import Visit, browser, visit
from tests.acceptance.browser_client.fault_proxy import FaultProxy, fault_proxy
from tests.acceptance.browser_client.shown_task import ShownTask
from tests.harness.environment import Environment
from tests.harness.servers import start_daphne

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from tests.harness.environment import Layer
    from tests.harness.processes import Processes
    from tests.harness.servers import Server
    from tests.harness.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEnvironment(Environment):
    """The environment of a server of the page."""

    def variables(self) -> dict[str, str]:
        """Return the environment variables."""
        settings = "tests.acceptance.browser_client.project.settings"
        return {**Environment.variables(self), "DJANGO_SETTINGS_MODULE": settings}


def port_of(server: Server) -> int:
    """Return the port of a server."""
    port = urlsplit(server.url).port
    assert port is not None
    return port


@pytest.fixture(scope="package")
def start_server(
    processes: Processes, environment_of: Callable[[Layer], Environment]
) -> Callable[[], Server]:
    """Return what starts a server of the page."""
    base = environment_of("pubsub")
    environment = PageEnvironment(
        layer=base.layer, redis_url=base.redis_url, database=base.database
    )
    return lambda: start_daphne(processes, environment, name="page")


@pytest.fixture(scope="package")
def page_server(start_server: Callable[[], Server]) -> Server:
    """Return a server of the page, for all tests."""
    return start_server()


@pytest.fixture
def proxy(page_server: Server) -> Iterator[FaultProxy]:
    """Return a proxy before the server of the page."""
    with fault_proxy(port_of(page_server)) as running:
        yield running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Run one browser for all tests."""
    with browser() as running:
        yield running


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visit]:
    """Return a visitor who was never here before."""
    with visit(chromium) as made:
        made.page.set_default_timeout(20_000)
        yield made


@pytest.fixture
def task(site_on: Callable[[Layer], Site]) -> ShownTask:
    """Return a task that lives in another process than the server of the page."""
    return ShownTask(site_on("pubsub").servers[0].url)
