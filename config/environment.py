"""Read settings from environment variables: small, pure readers, one per kind of value."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["as_bool", "as_words", "database", "redis_url"]

_TRUE = {"1", "true", "yes", "on"}
_POSTGRESQL = {"postgres", "postgresql"}


def as_bool(value: str) -> bool:
    """Return whether the text says yes; anything but 1, true, yes and on is a no."""
    return value.strip().lower() in _TRUE


def as_words(value: str) -> list[str]:
    """Split at commas and spaces; an empty text is an empty list."""
    return value.replace(",", " ").split()


def redis_url(url: str, number: int) -> str:
    """
    Return the URL of one logical database of a Redis server.

    A URL that already names a database, or that has no room for a number (a Unix socket),
    is returned unchanged: then everything shares it, and the key prefixes keep it apart.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss"} or parts.path.strip("/") or "db=" in parts.query:
        return url
    return parts._replace(path=f"/{number}").geturl()


def database(url: str, *, base: Path) -> dict[str, object]:
    """
    Return Django's settings for ``sqlite:///file`` or ``postgresql://user:pw@host/name``.

    A relative sqlite path is taken from the base directory. Parameters in the query of a
    PostgreSQL URL (``?sslmode=require``) become OPTIONS. Raises ValueError for other URLs.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme == "sqlite" and name and not parts.netloc:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(base / name),
            # Readers and a writer side by side, and writers that queue up, not fail.
            "OPTIONS": {
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
                "transaction_mode": "IMMEDIATE",
                "timeout": 10,
            },
        }
    if parts.scheme in _POSTGRESQL and name:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "OPTIONS": dict(parse_qsl(parts.query)),
            "CONN_HEALTH_CHECKS": True,
        }
    # The URL itself may hold a password, so it is not repeated.
    raise ValueError("DATABASE_URL is neither sqlite:///file nor postgresql://…/name.")
