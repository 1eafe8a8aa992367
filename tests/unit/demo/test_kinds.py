"""What a text is recognised as, and how values of a kind compare."""

from __future__ import annotations

import pytest

from config.demo.kinds import Kind, is_null, key_of


def kind_of(text: str) -> Kind:
    """Return the narrowest kind of a text."""
    return next(kind for kind in Kind if key_of(text, kind) is not None)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("yes", Kind.BOOLEAN),
        ("FALSE", Kind.BOOLEAN),
        ("-12", Kind.INTEGER),
        ("007", Kind.INTEGER),
        ("1.50", Kind.DECIMAL),
        ("-2e10", Kind.DECIMAL),
        ("2024-02-29", Kind.DATE),
        ("2024-02-29T12:30:00Z", Kind.DATETIME),
        ("2024-02-29 12:30:00+02:00", Kind.DATETIME),
        ("ada.l@example.org", Kind.EMAIL),
        ("1,000", Kind.TEXT),
        ("2023-02-29", Kind.TEXT),
        ("20240229", Kind.INTEGER),
        ("2024-02-29T25:00:00", Kind.TEXT),
        ("0001-01-01T00:00:00+23:59", Kind.TEXT),
        ("ada@localhost", Kind.TEXT),
        ("a..b@example.org", Kind.TEXT),
        ("1" * 5000, Kind.TEXT),
        ("nan", Kind.TEXT),
        ("١٢", Kind.TEXT),
    ],
)
def test_the_kind_of_a_text(text: str, kind: Kind) -> None:
    """Each text has one narrowest kind; impossible dates and oversized numbers are texts."""
    assert kind_of(text) is kind


@pytest.mark.parametrize("text", ["", "  ", "NULL", "n/a", "None"])
def test_a_null_says_that_there_is_no_value(text: str) -> None:
    """Empty fields and the usual words for nothing are nulls."""
    assert is_null(text)


@pytest.mark.parametrize(
    ("kind", "lesser", "greater"),
    [
        (Kind.INTEGER, "9", "10"),
        (Kind.DECIMAL, "-1e3", "0.1"),
        (Kind.DATETIME, "2024-01-01T12:00:00+02:00", "2024-01-01T11:00:00Z"),
        (Kind.TEXT, "10", "9"),
    ],
)
def test_values_compare_as_what_they_are(kind: Kind, lesser: str, greater: str) -> None:
    """Numbers compare by value, moments by when they are, texts by their letters."""
    first, second = key_of(lesser, kind), key_of(greater, kind)
    assert first is not None
    assert second is not None
    assert first < second
