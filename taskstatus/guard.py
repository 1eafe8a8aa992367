"""The outermost ASGI wrapper: nothing that goes wrong inside may harm the server."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from taskstatus.cors import cors_headers, is_preflight, preflight_headers
from taskstatus.pressure import unsent_bytes, write_at_once
from taskstatus.problems import BAD_REQUEST

__all__ = ["Guard", "HostValidator"]

logger = logging.getLogger(__name__)

#: What Django's SecurityMiddleware sets; the consumers' responses do not pass through it.
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]
#: What Django looks at to learn the host, by its names for it.
_HOST_HEADERS = {
    b"host": "HTTP_HOST",
    b"x-forwarded-host": "HTTP_X_FORWARDED_HOST",
    b"x-forwarded-port": "HTTP_X_FORWARDED_PORT",
}


class Guard:
    """Routes by protocol, answers lifespan, and ends every response that has begun.

    An exception after the start of a response would stop Daphne's watch over its applications,
    for the whole process and until it is restarted; this includes the project's own views.
    """

    def __init__(self, *, http: Any, websocket: Any, otherwise: Any) -> None:
        self._http = http
        self._websocket = websocket
        self._otherwise = otherwise

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # Seen only here: everything further in has wrapped the server's own send.
        scope["taskstatus.send"] = send
        scope["taskstatus.unsent"] = unsent_bytes(send)
        write_at_once(send)
        try:
            await self._serve(scope, receive, send)
        finally:
            # The server's connection holds the scope: without a circle it goes when it is closed.
            del scope["taskstatus.send"], scope["taskstatus.unsent"]

    def _serve(self, scope: Any, receive: Any, send: Any) -> Any:
        match scope["type"]:
            case "http":
                return self._guard(scope, receive, send)
            case "websocket":
                return self._websocket(scope, receive, send)
            case "lifespan" if self._otherwise is None:
                return _lifespan(receive, send)
            case protocol if self._otherwise is None:
                raise ValueError(f"There is no application for {protocol} connections.")
            case _:
                return self._otherwise(scope, receive, send)

    async def _guard(self, scope: Any, receive: Any, send: Any) -> None:
        started = ended = False

        async def watch(message: Any) -> None:
            nonlocal started, ended
            if message["type"] == "http.response.start":
                started = True
            elif message["type"] == "http.response.body" and not message.get("more_body"):
                ended = True
            await send(message)

        try:
            await self._http(scope, receive, watch)
        except Exception:
            if not started:
                raise
            logger.exception("An application failed after its response had begun")
        if started and not ended:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class HostValidator:
    """Refuses a Host that is not in ALLOWED_HOSTS, adds the headers that Django's views have, and
    answers for other origins.

    Without it a page that rebinds its name to our address could read what a browser may read.
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = scope["taskstatus.headers"] = (*SECURITY_HEADERS, *cors_headers(scope))

        async def send_secure(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        if not _has_allowed_host(scope):
            await _respond(send_secure, BAD_REQUEST.status, BAD_REQUEST.headers, BAD_REQUEST.body)
            return
        if is_preflight(scope):
            await _respond(send_secure, 204, preflight_headers())
            return
        await self._application(scope, receive, send_secure)


class _HostOnly(HttpRequest):
    """A request of which no more is known than what Django needs to tell the host."""

    def __init__(self, name: str, port: int | None) -> None:
        self.META = {"SERVER_NAME": name, "SERVER_PORT": str(port)}


def _has_allowed_host(scope: Any) -> bool:
    """Return whether ALLOWED_HOSTS has the host that is asked for, by Django's own rules."""
    request = _HostOnly(*(scope.get("server") or ("unknown", 0)))
    for name, value in scope["headers"]:
        if name in _HOST_HEADERS:
            # As in Django: of headers that are repeated, all count.
            known = request.META.get(_HOST_HEADERS[name])
            text = value.decode("latin-1")
            request.META[_HOST_HEADERS[name]] = text if known is None else f"{known},{text}"
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


async def _respond(
    send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b""
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Any, send: Any) -> None:
    """Answer for Django, which does not speak it (ASGI spec, Lifespan Protocol)."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
