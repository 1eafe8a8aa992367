"""Environment variables, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.environment import as_bool, as_words, database, redis_url

BASE = Path("/srv/app")


@pytest.mark.parametrize("text", ["1", "true", " Yes ", "ON"])
def test_a_yes_is_a_yes(text: str) -> None:
    """The usual words turn something on."""
    assert as_bool(text)


@pytest.mark.parametrize("text", ["", "0", "false", "no", "off", "maybe"])
def test_anything_else_is_a_no(text: str) -> None:
    """What is not understood leaves things off, which is the safe side."""
    assert not as_bool(text)


def test_words_are_split_at_commas_and_spaces() -> None:
    """Both are common, and an empty text has no words."""
    assert as_words("a.example, b.example c.example") == ["a.example", "b.example", "c.example"]
    assert as_words("") == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:6379", "redis://h:6379/2"),
        ("redis://:p%40w@h:6379/", "redis://:p%40w@h:6379/2"),
        ("rediss://h?ssl_cert_reqs=none", "rediss://h/2?ssl_cert_reqs=none"),
        ("redis://h:6379/7", "redis://h:6379/7"),
        ("redis://h?db=7", "redis://h?db=7"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_a_redis_url_gets_a_number_where_it_has_none(url: str, expected: str) -> None:
    """A database that was chosen stays chosen."""
    assert redis_url(url, 2) == expected


@pytest.mark.parametrize(
    ("url", "name"),
    [("sqlite:///db.sqlite3", "/srv/app/db.sqlite3"), ("sqlite:////data/db", "/data/db")],
)
def test_sqlite_is_a_file(url: str, name: str) -> None:
    """A relative path is taken from the base, an absolute one is left alone."""
    settings = database(url, base=BASE)
    assert (settings["ENGINE"], settings["NAME"]) == ("django.db.backends.sqlite3", name)


def test_postgresql_has_all_its_parts() -> None:
    """Names and passwords may be percent-encoded; the query becomes options."""
    assert database("postgres://u:p%2Fw@db:5433/app?sslmode=require", base=BASE) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "app",
        "USER": "u",
        "PASSWORD": "p/w",
        "HOST": "db",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
        "CONN_HEALTH_CHECKS": True,
    }


@pytest.mark.parametrize("url", ["mysql://u:secret@h/x", "sqlite://h/x", "postgres://h", "x"])
def test_another_database_is_refused_without_repeating_the_url(url: str) -> None:
    """The message has no password in it."""
    with pytest.raises(ValueError, match="DATABASE_URL is neither") as raised:
        database(url, base=BASE)
    assert "secret" not in str(raised.value)
