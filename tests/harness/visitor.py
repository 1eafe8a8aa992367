"""Who has a session on a site."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from tests.harness.clients.http import http_client

if TYPE_CHECKING:
    from tests.harness.servers import Server

__all__ = ["Visitor", "log_in"]


class Visitor:
    """Somebody with a session."""

    def __init__(self, user_id: str, cookies: dict[str, str]) -> None:
        self.user_id = user_id
        self.cookies = cookies
        #: The header that brings the session along.
        self.headers = {"Cookie": "; ".join(f"{key}={value}" for key, value in cookies.items())}


async def log_in(server: Server, *, permission: str = "") -> Visitor:
    """Return a new user, logged in."""
    async with http_client(server.url) as client:
        params = {"user": f"user-{uuid.uuid4().hex[:12]}", "permission": permission}
        response = await client.get("/login/", params=params)
        assert response.status_code == 200, response.text[:500]
        return Visitor(response.json()["user_id"], dict(client.cookies))
