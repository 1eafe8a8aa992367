"""The session that a connection's cookie names, made when something is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.sessions.backends.cache import SessionStore as CacheSession

from taskstatus.session import Session

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


class SessionStore(CacheSession):
    """A session engine, this module, that notes what it is asked for."""

    made: list[str | None] = []  # noqa: RUF012 - the engine's, not an instance's

    def __init__(self, session_key: str | None = None) -> None:
        self.made.append(session_key)
        super().__init__(session_key)


@pytest.fixture
def made(settings: Settings) -> list[str | None]:
    """Return the keys of the sessions that were made."""
    settings.SESSION_ENGINE = __name__
    SessionStore.made.clear()
    return SessionStore.made


def scope_of(*cookies: str) -> dict[str, Any]:
    """Return the scope of a connection with these cookie headers."""
    headers = [(b"cookie", cookie.encode("latin-1")) for cookie in cookies]
    return {"type": "http", "headers": [(b"host", b"localhost"), *headers, (b"accept", b"*/*")]}


@pytest.mark.parametrize(
    ("cookies", "key"),
    [
        ([], None),
        (["theme=dark"], None),
        (["sessionid=key-abcd"], "key-abcd"),
        (["theme=dark; sessionid=key-abcd; lang=de"], "key-abcd"),
        # HTTP/2 allows a client to split them (RFC 9113, 8.2.3).
        (["theme=dark", "sessionid=key-abcd", "lang=de"], "key-abcd"),
        (["sessionid=key-old1; sessionid=key-new1"], "key-new1"),
        (["sessionid=key-old1", "sessionid=key-new1"], "key-new1"),
        (["name=M\xfcller; sessionid=key-abcd"], "key-abcd"),
        (["=;;sessionid=key-abcd;="], "key-abcd"),
    ],
)
def test_session_is_the_one_that_the_cookie_names(
    made: list[str | None], cookies: list[str], key: str | None
) -> None:
    """In whatever header and company it comes, as in Django; without one it is a new session."""
    assert Session(scope_of(*cookies)).session_key == key
    assert made == [key]


def test_session_is_not_made_until_something_is_asked_of_it(made: list[str | None]) -> None:
    """Most connections bring a token. Once it is made, it is the same session."""
    session = Session(scope_of("sessionid=key-abcd"))
    assert made == []
    assert session.session_key == "key-abcd"
    session["seen"] = True
    assert session["seen"]
    assert made == ["key-abcd"]


def test_cookie_has_the_name_in_the_settings(made: list[str | None], settings: Settings) -> None:
    """Which a project may change."""
    settings.SESSION_COOKIE_NAME = "mine"
    assert Session(scope_of("sessionid=key-abcd; mine=key-defg")).session_key == "key-defg"


def test_session_that_was_stored_is_read(made: list[str | None]) -> None:
    """What the project has put into it is there."""
    stored = CacheSession()
    stored["user"] = 7
    stored.save()
    assert Session(scope_of(f"sessionid={stored.session_key}"))["user"] == 7
    assert made == [stored.session_key]
