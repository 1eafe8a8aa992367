"""The fixtures, the order of the tiers, and what continuous integration insists on."""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from taskstatus import collector
from tests.harness import following, redis, servers
from tests.harness import worker as workers
from tests.harness.environment import Environment
from tests.harness.processes import Processes
from tests.harness.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tests.harness.environment import Layer
    from tests.harness.following import Follow
    from tests.harness.servers import Server
    from tests.harness.worker import Worker

#: The folders in the order in which they run: what fails fast comes first.
TIERS = ("unit", "integration", "conformance", "acceptance")
TESTS = Path(__file__).parent


def tier(item: pytest.Item) -> str:
    """Return the name of the folder that the test lies in."""
    return item.path.relative_to(TESTS).parts[0]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its tier; keep the order, random or not, within each tier."""
    for item in items:
        if tier(item) in TIERS:
            item.add_marker(tier(item))
    items.sort(key=lambda item: TIERS.index(tier(item)) if tier(item) in TIERS else -1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one where nothing may be skipped."""
    report = yield
    insist(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped module into a failed one where nothing may be skipped."""
    report = yield
    insist(report)
    return report


def insist(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Under ``CI=true`` a skip is a failure; an expected failure stays one."""
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, which CI=true forbids: {report.longrepr}"


@pytest.fixture(scope="session", autouse=True)
def python_s_collector() -> Iterator[None]:
    """Leave Python's collector alone in the tests' own process, whatever it serves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collector, "_decided", True)
        yield


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Yield the URL of a real Redis for the whole session."""
    with redis.real_redis() as url:
        yield url


@pytest.fixture(scope="session")
def processes(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Yield what starts processes; all of them are stopped before Redis is."""
    running = Processes(tmp_path_factory.mktemp("processes"))
    try:
        yield running
    finally:
        running.stop()
    assert not running.new_tracebacks()


@pytest.fixture(scope="session")
def database(
    redis_url: str, processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a migrated database that all servers and workers of the session share."""
    path = tmp_path_factory.mktemp("database") / "db.sqlite3"
    environment = Environment(layer="memory", redis_url=redis_url, database=path)
    migrate = processes.start(
        "migrate", ["-m", "django", "migrate", "--verbosity=1"], env=environment.variables()
    )
    migrate.wait_for_exit()
    return path


@pytest.fixture(scope="session")
def environment_of(redis_url: str, database: Path) -> Callable[[Layer], Environment]:
    """Return a function from a channel layer to the environment of servers and workers on it."""
    return lambda layer: Environment(layer=layer, redis_url=redis_url, database=database)


@pytest.fixture(scope="session")
def site_on(
    processes: Processes, environment_of: Callable[[Layer], Environment]
) -> Callable[[Layer], Site]:
    """Return a function from a channel layer to a site on it, the same one for all tests.

    With Redis a site has two servers, and a mute third one that shares nothing but the store.
    """

    @functools.cache
    def site(layer: Layer) -> Site:
        start = functools.partial(servers.start_daphne, processes)
        environment = environment_of(layer)
        if layer == "memory":
            return Site(layer=layer, servers=(start(environment),))
        mute = dataclasses.replace(environment, layer_prefix="mute")
        return Site(layer=layer, servers=(start(environment), start(environment)), mute=start(mute))

    return site


@pytest.fixture(autouse=True)
def no_tracebacks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test during which a server logs a traceback that the test did not announce."""
    if "processes" not in request.fixturenames:
        yield
        return
    running: Processes = request.getfixturevalue("processes")
    yield
    report = running.new_tracebacks()
    assert not report, report


@pytest.fixture(scope="session")
def server(site_on: Callable[[Layer], Site]) -> Server:
    """Return a Daphne on the pub/sub layer."""
    return site_on("pubsub").servers[0]


@pytest.fixture(scope="session")
def follow_everywhere(server: Server) -> Follow:
    """Return what follows a task on all transports of ``server`` to its end.

    Called with the id, the token, and the options of ``harness.following.follow_everywhere``.
    """
    return functools.partial(following.follow_everywhere, server.url)


@pytest.fixture(scope="session")
def start_worker(processes: Processes) -> Callable[..., Worker]:
    """Return what starts a worker with options of its own (``harness.worker.start_worker``)."""
    return functools.partial(workers.start_worker, processes)


@pytest.fixture(scope="session")
def worker(
    start_worker: Callable[..., Worker], environment_of: Callable[[Layer], Environment]
) -> Worker:
    """Return a prefork worker on the pub/sub layer, for tests with no wishes of their own."""
    return start_worker(environment_of("pubsub"))
