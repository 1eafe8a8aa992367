"""Which pages may open a WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taskstatus.origin import is_of_our_pages

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


def scope_of(origin: str | None) -> dict[str, Any]:
    """Return the scope of a WebSocket that is opened by a page of this origin."""
    named = [] if origin is None else [(b"origin", origin.encode())]
    return {"type": "websocket", "headers": [(b"host", b"localhost"), *named]}


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost", True),
        ("http://localhost:8000", True),
        ("https://good.example", True),
        ("https://shop.example", True),
        ("https://shop.example:444", False),
        ("https://evil.example", False),
        ("null", False),
        ("https://shop.example:port", False),
    ],
)
def test_websocket_is_for_our_own_pages(
    settings: Settings, origin: str | None, *, allowed: bool
) -> None:
    """Pages of our hosts and of the origins in the settings; who names no origin is no page."""
    settings.TASKSTATUS_ALLOWED_ORIGINS = ["https://shop.example"]
    assert is_of_our_pages(scope_of(origin)) is allowed


def test_local_pages_may_connect_while_debugging(settings: Settings) -> None:
    """Django's own exception for DEBUG with no hosts holds here as well."""
    settings.ALLOWED_HOSTS = []
    local = scope_of("http://localhost:8000")
    assert not is_of_our_pages(local)
    settings.DEBUG = True
    assert is_of_our_pages(local)
    assert not is_of_our_pages(scope_of("http://evil.example"))
