"""A site of one or more servers, the tasks that are played on it, and who follows them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.harness.clients import TRANSPORTS, Client
from tests.harness.clients.base import encode_id
from tests.harness.clients.bundle import BUNDLES
from tests.harness.clients.http import http_client

if TYPE_CHECKING:
    import httpx

    from tests.harness.clients.bundle import Bundle
    from tests.harness.servers import Server
    from tests.harness.steps import Step

__all__ = ["DrivenTask", "Site", "post"]


async def post(base_url: str, path: str, order: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Post an order to one of the test project's own views; return its answer."""
    async with http_client(base_url) as client:
        # Not as strict as httpx's own JSON: a test may send NaN, and half of a character.
        response = await client.post(path, content=json.dumps(order), **options)
    assert response.status_code == 200, f"{path}: {response.status_code} {response.text[:500]}"
    answer: dict[str, Any] = response.json()
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Servers that share a store and a channel layer."""

    layer: str
    servers: tuple[Server, ...]
    #: Shares the store but not the layer: what it plays, the others get no message of.
    mute: Server | None = None

    def server(self, index: int) -> Server:
        """Return a server by its index, around the corner if need be."""
        return self.servers[index % len(self.servers)]

    async def task(
        self,
        *steps: Step,
        task_id: str | None = None,
        server: int = 0,
        name: str = "tests.driven",
        owner: str | None = None,
    ) -> DrivenTask:
        """Return a new task that has lived through these steps, on the server with this index."""
        task = DrivenTask(
            site=self, id=task_id or str(uuid.uuid4()), home=server, name=name, owner=owner
        )
        await task.play(*steps)
        return task

    def follow(
        self, transport: str, *tasks: DrivenTask | str, server: int = -1, **options: Any
    ) -> Bundle:
        """Return a client of several tasks over one connection, with a token for each.

        One that is given as a string (``<id>~<cursor>``) brings no token.
        """
        driven = [task for task in tasks if isinstance(task, DrivenTask)]
        options.setdefault("tokens", [task.token for task in driven])
        names = [_named(task) if isinstance(task, DrivenTask) else task for task in tasks]
        return BUNDLES[transport](self.server(server).url, *names, **options)


def _named(task: DrivenTask) -> str:
    return f"{task.id}~" if "~" in task.id else task.id


class DrivenTask:
    """A task whose life is played in a server process; made by ``Site.task``."""

    def __init__(self, *, site: Site, id: str, home: int, name: str, owner: str | None) -> None:  # noqa: A002
        self.site = site
        self.id = id
        self.home = home
        self.name = name
        self.owner = owner
        #: Good for this task, made at the first ``play``.
        self.token = ""
        #: All steps so far.
        self.steps: list[Step] = []

    async def play(self, *steps: Step, server: Server | None = None) -> None:
        """Play steps; each is stored and published when this returns."""
        place = server or self.site.server(self.home)
        order = {
            "task_id": self.id,
            "name": self.name,
            "owner": self.owner,
            "steps": [step.to_json() for step in steps],
        }
        answer = await post(place.url, "/drive/", order)
        self.token = self.token or answer["token"]
        self.steps.extend(steps)

    async def new_token(self, **options: Any) -> str:
        """Return another token for the task, made with these arguments of ``make_token``."""
        order = {"task_id": self.id, "token": options}
        answer = await post(self.site.server(self.home).url, "/drive/", order)
        return str(answer["token"])

    def follow(self, transport: str, *, server: int = -1, **options: Any) -> Client:
        """Return a client of the task, on another server than its own where there is one."""
        options.setdefault("token", self.token)
        return TRANSPORTS[transport](self.site.server(server).url, self.id, **options)

    async def snapshot(self, *, server: int = -1, token: str | None = None) -> httpx.Response:
        """Return the answer of the view that gives the current state at once."""
        async with http_client(self.site.server(server).url) as client:
            return await client.get(
                f"/task_status/{encode_id(self.id)}/", params={"token": token or self.token}
            )
