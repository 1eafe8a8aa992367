"""Errors over HTTP are problems (RFC 9457), on both transports and on the snapshot view."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.harness.clients.base import encode_id
from tests.harness.clients.http import http_client
from tests.harness.steps import pending

if TYPE_CHECKING:
    import httpx

    from tests.harness.site import DrivenTask, Site

PATHS = {
    "sse": "/sse/task_status/{}/",
    "longpoll": "/poll/task_status/{}/",
    "view": "/task_status/{}/",
}
CODES = {400: "bad_request", 403: "forbidden", 404: "unknown_task", 405: "method_not_allowed"}

each_path = pytest.mark.parametrize("path", PATHS.values(), ids=list(PATHS))


async def ask(
    site: Site, path: str, task_id: str, *, method: str = "GET", **params: str
) -> httpx.Response:
    """Return the answer to a request for a task."""
    async with http_client(site.server(-1).url) as client:
        return await client.request(method, path.format(encode_id(task_id)), params=params)


async def unknown(site: Site) -> DrivenTask:
    """Return a task that never was, with a token for it."""
    return await site.task(task_id=f"unknown-{uuid.uuid4()}")


def check(response: httpx.Response, status: int) -> None:
    """Assert that the response is the problem that goes with the status."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert {"title", "status", "detail", "code"} <= set(problem)
    assert (problem["status"], problem["code"]) == (status, CODES[status])
    assert problem["title"]
    assert isinstance(problem["detail"], str)
    assert "Traceback" not in response.text


@each_path
async def test_a_malformed_id_is_a_400(site: Site, path: str) -> None:
    """The caller is told what an id is."""
    check(await ask(site, path, "x" * 256), 400)
    check(await ask(site, path, "a\n"), 400)


@each_path
async def test_a_stranger_gets_a_403(site: Site, path: str) -> None:
    """Known or unknown, with a bad token or none."""
    known, absent = await site.task(pending()), await unknown(site)
    for task in (known, absent):
        check(await ask(site, path, task.id), 403)
        check(await ask(site, path, task.id, token="bad"), 403)


@each_path
async def test_an_unknown_task_is_a_404(site: Site, path: str) -> None:
    """For those who could see it if it were there."""
    task = await unknown(site)
    check(await ask(site, path, task.id, token=task.token), 404)


@each_path
async def test_another_method_is_a_405(site: Site, path: str) -> None:
    """Allow names the one that is allowed."""
    task = await site.task(pending())
    response = await ask(site, path, task.id, method="POST", token=task.token)
    check(response, 405)
    assert "GET" in response.headers["allow"]


@pytest.mark.parametrize("path", [PATHS["sse"], PATHS["longpoll"]], ids=["sse", "longpoll"])
async def test_a_malformed_cursor_is_a_400(site: Site, path: str) -> None:
    """Before anybody looks at the token."""
    task = await site.task(pending())
    check(await ask(site, path, task.id, after="x"), 400)
    check(await ask(site, path, task.id, after="x", token=task.token), 400)


@each_path
async def test_markup_in_a_request_comes_back_as_no_markup(site: Site, path: str) -> None:
    """An error is never HTML, whatever stood in the request."""
    response = await ask(site, path, "<script>alert(1)</script>\n", after="<b>", token="<i>")
    check(response, 400)
    assert "html" not in response.headers["content-type"]


@each_path
async def test_a_foreign_host_is_refused(site: Site, path: str) -> None:
    """A name that is not ours is a bad request, so that no other site can be ours by its DNS."""
    task = await site.task(pending())
    async with http_client(site.server(-1).url) as client:
        response = await client.get(
            path.format(task.id), params={"token": task.token}, headers={"Host": "evil.example"}
        )
    assert response.status_code == 400
