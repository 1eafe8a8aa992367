"""The outermost wrapper: no response stays open, no host is made up, no protocol is forgotten."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from taskstatus.guard import SECURITY_HEADERS, Guard, HostValidator

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

START = {"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]}
PART = {"type": "http.response.body", "body": b"part", "more_body": True}
LAST = {"type": "http.response.body", "body": b"last"}
END = {"type": "http.response.body", "body": b"", "more_body": False}


class Application:
    """An ASGI application that sends these messages, and then raises if it is told to."""

    def __init__(self, *messages: dict[str, Any], raises: BaseException | None = None) -> None:
        self.messages = messages
        self.raises = raises
        self.scopes: list[dict[str, Any]] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one connection."""
        self.scopes.append(scope)
        for message in self.messages:
            await send(message)
        if self.raises is not None:
            raise self.raises


def http_scope(*headers: tuple[bytes, bytes], method: str = "GET") -> dict[str, Any]:
    """Return the scope of a request."""
    return {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": b"",
        "headers": list(headers),
        "server": ("127.0.0.1", 80),
    }


async def serve(application: Any, scope: dict[str, Any], *received: Any) -> list[dict[str, Any]]:
    """Serve one connection; return what was sent to the client."""
    sent: list[dict[str, Any]] = []
    messages = iter(received)

    async def receive() -> Any:
        return next(messages)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return sent


def guard(http: Any = None, websocket: Any = None, otherwise: Any = None) -> Guard:
    """Return a guard in front of these."""
    return Guard(http=http, websocket=websocket, otherwise=otherwise)


async def test_whole_response_passes_untouched() -> None:
    """Who does everything right is not helped."""
    assert await serve(guard(Application(START, PART, LAST)), http_scope()) == [START, PART, LAST]


async def test_response_that_was_begun_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    """An exception after the start is logged, and the client sees the end."""
    application = Application(START, PART, raises=RuntimeError("half-way"))
    assert await serve(guard(application), http_scope()) == [START, PART, END]
    assert "half-way" in caplog.text


async def test_response_that_was_forgotten_is_ended() -> None:
    """An application that just returns leaves no client hanging."""
    assert await serve(guard(Application(START, PART)), http_scope()) == [START, PART, END]


async def test_exception_after_the_end_is_logged_alone(caplog: pytest.LogCaptureFixture) -> None:
    """The client has everything; the server must not hear of it."""
    application = Application(START, LAST, raises=RuntimeError("too late"))
    assert await serve(guard(application), http_scope()) == [START, LAST]
    assert "too late" in caplog.text


async def test_exception_before_the_start_is_the_server_s() -> None:
    """The server answers 500 in its own way."""
    with pytest.raises(RuntimeError, match="at once"):
        await serve(guard(Application(raises=RuntimeError("at once"))), http_scope())


async def test_cancellation_is_never_swallowed() -> None:
    """A server that gives a connection up is obeyed."""
    with pytest.raises(asyncio.CancelledError):
        await serve(guard(Application(START, raises=asyncio.CancelledError())), http_scope())


async def test_each_protocol_has_its_application() -> None:
    """HTTP, WebSocket, and whatever else the project speaks."""
    http, websocket, otherwise = Application(), Application(), Application()
    subject = guard(http, websocket, otherwise)
    for kind, application in [
        ("http", http),
        ("websocket", websocket),
        ("channel", otherwise),
        ("lifespan", otherwise),
    ]:
        await serve(subject, {**http_scope(), "type": kind})
        assert [scope["type"] for scope in application.scopes][-1] == kind


async def test_lifespan_is_answered_for_django() -> None:
    """Django does not speak it, and servers would warn."""
    events = ({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    sent = await serve(guard(), {"type": "lifespan"}, *events)
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_unknown_protocol_is_an_error() -> None:
    """The server learns that nobody is there for it."""
    with pytest.raises(ValueError, match="telepathy"):
        await serve(guard(), {"type": "telepathy"})


@pytest.mark.parametrize("host", [b"127.0.0.1:8000", b"localhost", b"good.example"])
async def test_known_host_gets_its_answer_with_the_usual_headers(host: bytes) -> None:
    """Our consumers' responses are as safe as those of Django's views."""
    start, body = await serve(HostValidator(Application(START, LAST)), http_scope((b"host", host)))
    assert start["headers"] == [(b"x-own", b"1"), *SECURITY_HEADERS]
    assert body == LAST


@pytest.mark.parametrize("host", [b"evil.example", b"127.0.0.1.evil.example", b"", b"a b", b"\xff"])
async def test_unknown_host_is_refused(host: bytes) -> None:
    """A page that rebinds its name to our address reads nothing."""
    application = Application(START, LAST)
    start, body = await serve(HostValidator(application), http_scope((b"host", host)))
    assert start["status"] == 400
    assert set(SECURITY_HEADERS) <= set(start["headers"])
    assert json.loads(body["body"])["code"] == "bad_request"
    assert application.scopes == []


async def test_other_origins_get_nothing_by_default() -> None:
    """No header of CORS's is sent, and a preflight is a request like any other."""
    scope = http_scope((b"host", b"localhost"), (b"origin", b"https://else.example"))
    start, _ = await serve(HostValidator(Application(START, LAST)), scope)
    assert start["headers"] == [(b"x-own", b"1"), *SECURITY_HEADERS]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (b"https://shop.example", True),
        (b"https://shop.example:8443", False),
        (b"http://shop.example", False),
        (b"https://evil.shop.example", False),
        (b"null", False),
        (b"\xff", False),
    ],
)
async def test_origins_that_the_settings_name_may_read(
    settings: Settings, origin: bytes, *, allowed: bool
) -> None:
    """Exactly those, without cookies, and no cache mixes them up."""
    settings.TASKSTATUS_ALLOWED_ORIGINS = ["https://shop.example"]
    scope = http_scope((b"host", b"localhost"), (b"origin", origin))
    start, _ = await serve(HostValidator(Application(START, LAST)), scope)
    headers = dict(start["headers"])
    assert headers[b"vary"] == b"Origin"
    assert headers.get(b"access-control-allow-origin") == (origin if allowed else None)
    assert b"access-control-allow-credentials" not in headers


async def test_preflight_of_an_allowed_origin_is_answered(settings: Settings) -> None:
    """A page may send its token and its cursor; others get what any OPTIONS gets."""
    settings.TASKSTATUS_ALLOWED_ORIGINS = ["https://shop.example"]
    application = Application(START, LAST)
    asked = [(b"host", b"localhost"), (b"access-control-request-method", b"GET")]
    own = http_scope(*asked, (b"origin", b"https://shop.example"), method="OPTIONS")
    start, _ = await serve(HostValidator(application), own)
    headers = dict(start["headers"])
    assert start["status"] == 204
    assert headers[b"access-control-allow-methods"] == b"GET"
    assert b"authorization" in headers[b"access-control-allow-headers"]
    assert application.scopes == []
    other = http_scope(*asked, (b"origin", b"https://else.example"), method="OPTIONS")
    await serve(HostValidator(application), other)
    assert len(application.scopes) == 1
