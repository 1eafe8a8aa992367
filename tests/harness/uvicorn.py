"""uvicorn's own protocols in this process, on a port, without its server around."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self, cast

from uvicorn import Config
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["HTTP", "Uvicorn"]

#: Its parsers of HTTP.
HTTP = ("httptools", "h11")


class Uvicorn:
    """uvicorn's protocols before an ASGI application, which a subclass has."""

    def __init__(self, http: str, **options: Any) -> None:
        self.config = Config(
            self.application,
            http=cast("Any", http),
            interface="asgi3",
            lifespan="off",
            log_config=None,
            **options,
        )
        self.config.load()
        self.state = ServerState()
        self.state.default_headers = [(b"date", b"today"), (b"server", b"uvicorn")]
        self.port = 0

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a connection."""
        raise NotImplementedError

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        """Listen."""
        protocol = cast("Any", self.config.http_protocol_class)
        # What is said at the application's start.
        said = {"lifespan": "state"}
        server = await asyncio.get_running_loop().create_server(
            lambda: protocol(config=self.config, server_state=self.state, app_state=said),
            "127.0.0.1",
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
