"""django-eventstream's bundled JavaScript client reads tasks' streams, in a real browser."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.acceptance.browser import visit
from tests.harness import redis
from tests.project_eventstream.server import start_eventstream_daphne

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes
    from tests.harness.servers import Server
    from tests.harness.worker import Worker

SEEN = "() => seen.filter((event) => ['status', 'log'].includes(event.type))"


@pytest.fixture(scope="module")
def viewer(processes: Processes, environment_of: Callable[[Layer], Environment]) -> Server:
    """Return a Daphne with django-eventstream's views and a page with its client."""
    return start_eventstream_daphne(processes, environment_of("pubsub"))


#: URLs of a task's stream, its id and token still to be put in.
OWN_ENDPOINT = pytest.param(
    "/sse/task_status/{task_id}/?types=status,log&token={token}", id="our own endpoint"
)
OUR_VIEW = pytest.param("/events/{task_id}/?token={token}", id="our view")
STOCK_VIEW = pytest.param("/stock/{task_id}/?token={token}", id="the stock view")


def enqueue(viewer: Server, worker: Worker, task: str, *args: object) -> dict[str, str]:
    """Enqueue a task; return its id and token."""
    order = {"task": task, "args": args, "options": {"queue": worker.queue}}
    response = httpx.post(f"{viewer.url}/enqueue/", json=order, trust_env=False)
    response.raise_for_status()
    answer: dict[str, str] = response.json()
    return answer


def open_page(page: Page, viewer: Server, stream: str, task: dict[str, str]) -> None:
    """Open the page on a task's stream, and wait until it has the snapshot."""
    page.goto(f"{viewer.url}/page/?{urlencode({'stream': stream.format(**task)})}")
    page.wait_for_function(f"({SEEN})().length > 0")


def seen_at_the_end(page: Page) -> list[dict[str, Any]]:
    """Return what the page's client has got, once the task is over."""
    page.wait_for_function(f"({SEEN})().some((event) => event.data.ready)")
    events: list[dict[str, Any]] = page.evaluate(SEEN)
    return events


@pytest.mark.parametrize("stream", [OWN_ENDPOINT, OUR_VIEW, STOCK_VIEW])
def test_follows_a_real_task_to_its_end(
    viewer: Server, worker: Worker, chromium: Browser, stream: str
) -> None:
    """The client has each state and line of a task that a worker executes, in order, live."""
    gate = uuid.uuid4().hex
    task = enqueue(viewer, worker, "tests.count_between_gates", gate, 200)
    with visit(chromium) as visitor:
        open_page(visitor.page, viewer, stream, task)
        redis.open_gate(viewer.environment.redis_url, f"{gate}:start")
        visitor.page.wait_for_function("seen.some((event) => event.data?.progress?.current)")
        redis.open_gate(viewer.environment.redis_url, f"{gate}:end")
        events = seen_at_the_end(visitor.page)
        assert not visitor.complaints
    messages = [event["data"] for event in events]
    versions = [message["version"] for message in messages]
    assert versions == sorted(set(versions))
    lines = [message["message"] for message in messages if message["type"] == "log"]
    assert lines == ["counting starts", "counting ends"]
    assert (messages[-1]["state"], messages[-1]["result"]) == ("SUCCESS", 200)


@pytest.mark.parametrize("stream", [OUR_VIEW, STOCK_VIEW])
def test_comes_back_where_it_was(
    viewer: Server, worker: Worker, chromium: Browser, stream: str
) -> None:
    """A client that was cut off resumes with what it has missed, and repeats nothing."""
    gate = uuid.uuid4().hex
    task = enqueue(viewer, worker, "tests.count_between_gates", gate, 200)
    with visit(chromium) as visitor:
        page = visitor.page
        open_page(page, viewer, stream, task)
        # As when a server answers with an error: the bundled client then starts anew by itself.
        page.evaluate("source._eventSource.close(); source._onerror(new Event('error'))")
        redis.open_gate(viewer.environment.redis_url, f"{gate}:start")
        redis.open_gate(viewer.environment.redis_url, f"{gate}:end")
        events = seen_at_the_end(page)
    versions = [event["data"]["version"] for event in events]
    assert versions == sorted(set(versions))
    lines = [event["data"]["message"] for event in events if event["type"] == "log"]
    assert lines == ["counting starts", "counting ends"]
