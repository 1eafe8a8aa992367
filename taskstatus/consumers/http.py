"""What the HTTP consumers share: one request, one answer, one way out."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.http import AsyncHttpConsumer

from taskstatus.batch import NO_STORE
from taskstatus.consumers.base import Connection
from taskstatus.consumers.outlet import Gone
from taskstatus.exceptions import TaskStatusError
from taskstatus.problems import METHOD_NOT_ALLOWED, STORE_UNAVAILABLE, Problem, problem_of

__all__ = ["HttpConsumer"]

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 65_536


class HttpConsumer(Connection, AsyncHttpConsumer):  # type: ignore[misc]
    """A GET.

    ``answer()`` runs as a task of its own (``AsyncHttpConsumer.handle()`` would block the
    dispatch). However it ends, the response is brought to an end: one that stays open, or an
    exception after its start, would harm the whole server process on Daphne.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.started = self.finished = False
        self._received = 0

    async def answer(self) -> None:
        """Answer the request; a TaskStatusError that is raised becomes the answer."""
        raise NotImplementedError

    async def http_request(self, message: Any) -> None:
        """Begin to respond once the request is whole; its body is of no interest."""
        self._received += len(message.get("body", b""))
        if not self.is_working and (
            not message.get("more_body") or self._received > MAX_BODY_BYTES
        ):
            self.work(self._respond())

    async def http_disconnect(self, message: Any) -> None:
        """Stop: the client has gone, or the response is complete."""
        raise StopConsumer

    async def _respond(self) -> None:
        try:
            if self.scope["method"] == "GET":
                await self.answer()
            else:
                await self.refuse(METHOD_NOT_ALLOWED)
        except TaskStatusError as error:
            await self.refuse(problem_of(error))
        except Gone as error:
            logger.info("A response could not be written: %r", error.__cause__)
        except Exception:
            logger.exception("A request for a task failed")
            await self.refuse(STORE_UNAVAILABLE)
        if not self.finished:
            await self.end_with(self.send_body(b""))

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem, if nothing has been answered yet."""
        if not self.started:
            await self.send_response(problem.status, problem.body, headers=problem.headers)

    async def send_nothing(self) -> None:
        """Answer that there is nothing to tell."""
        await self.send_response(204, b"", headers=[NO_STORE])

    async def send_response(
        self, status: int, body: bytes, *, headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        """Send a whole response. With its length it need not come in chunks."""
        length = [(b"content-length", b"%d" % len(body))] if body else []
        await super().send_response(status, body, headers=[*headers, *length])

    async def send_headers(self, **kwargs: Any) -> None:
        """Begin the response."""
        self.started = True
        await super().send_headers(**kwargs)

    async def send_body(self, body: bytes, *, more_body: bool = False) -> None:
        """Send a part of the response; the last one ends it."""
        self.finished = self.finished or not more_body
        await super().send_body(body, more_body=more_body)
