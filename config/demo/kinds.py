"""The kinds of values that a column can hold, and how a text is recognised as one."""

from __future__ import annotations

import datetime as dt
import enum
import re
from decimal import Decimal

__all__ = ["Key", "Kind", "is_null", "key_of"]

# Something to compare values of one kind by: a number, or else a text.
Key = tuple[Decimal, str]

_ZERO = Decimal(0)
_NULLS = {"", "null", "none", "n/a"}
_BOOLEANS = {"true", "false", "yes", "no"}
# The lengths are bounded: a number of a million digits is not worth the time it takes.
_INTEGER = re.compile(r"[+-]?[0-9]{1,38}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,38}(\.[0-9]{1,38})?([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?\S{0,16}")
_EMAIL = re.compile(
    r"(?=.{6,254}\Z)(?=.{1,64}@)[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
    re.IGNORECASE,
)


class Kind(enum.StrEnum):
    """A kind of value; the narrower one comes first, and every text is a TEXT."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    EMAIL = "e-mail"
    TEXT = "text"


def is_null(text: str) -> bool:
    """Return whether the field says that there is no value."""
    return text.strip().lower() in _NULLS


def key_of(text: str, kind: Kind) -> Key | None:
    """Return what the text is compared by if it is a value of that kind, else None."""
    match kind:
        case Kind.BOOLEAN:
            lowered = text.lower()
            return (_ZERO, lowered) if lowered in _BOOLEANS else None
        case Kind.INTEGER:
            return (Decimal(text), "") if _INTEGER.fullmatch(text) else None
        case Kind.DECIMAL:
            return (Decimal(text), "") if _DECIMAL.fullmatch(text) else None
        case Kind.DATE:
            return _date_key(text) if _DATE.fullmatch(text) else None
        case Kind.DATETIME:
            return _datetime_key(text) if _DATETIME.fullmatch(text) else None
        case Kind.EMAIL:
            return (_ZERO, text.lower()) if _EMAIL.fullmatch(text) else None
        case Kind.TEXT:
            return (_ZERO, text)


def _date_key(text: str) -> Key | None:
    try:
        return (_ZERO, dt.date.fromisoformat(text).isoformat())
    except ValueError:
        return None


def _datetime_key(text: str) -> Key | None:
    try:
        moment = dt.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        return (_ZERO, moment.astimezone(dt.UTC).isoformat())
    except (ValueError, OverflowError):
        return None
