"""The snapshot view: the current state at once, as one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.harness.clients.http import http_client
from tests.harness.steps import pending, progress, started, success
from tests.harness.visitor import log_in

if TYPE_CHECKING:
    from tests.harness.site import Site


async def test_the_view_answers_the_current_state(site: Site) -> None:
    """Each status in turn, from every process."""
    task = await site.task()
    for step in (pending(), started(), progress(1, 2), success("x")):
        await task.play(step)
        for index in (0, 1):
            response = await task.snapshot(server=index)
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("application/json")
            assert response.headers["cache-control"] == "no-store"
            assert response.json()["state"] == step.state


async def test_the_view_takes_a_bearer(site: Site) -> None:
    """The token may come in the header."""
    task = await site.task(pending())
    async with http_client(site.server(0).url) as client:
        headers = {"Authorization": f"Bearer {task.token}"}
        response = await client.get(f"/task_status/{task.id}/", headers=headers)
    assert response.status_code == 200


async def test_the_view_takes_the_owners_session(site: Site) -> None:
    """The owner needs no token; another visitor is refused."""
    owner, other = await log_in(site.server(0)), await log_in(site.server(0))
    task = await site.task(pending(), owner=owner.user_id)
    async with http_client(site.server(-1).url) as client:
        path = f"/task_status/{task.id}/"
        assert (await client.get(path, headers=owner.headers)).status_code == 200
        assert (await client.get(path, headers=other.headers)).status_code == 403
