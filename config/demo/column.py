"""What is known of one column of a table."""

from __future__ import annotations

from config.demo.distinct import DistinctCounter
from config.demo.kinds import Key, Kind, is_null, key_of

__all__ = ["Column", "shown"]

# Of the values that were looked at, this share must be of a kind for the column to be it.
_MAJORITY = 0.95
_SHOWN_LENGTH = 40


def shown(text: str) -> str:
    """The text, cut to a length that is fit to be shown."""
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"


class Column:
    """A column: the kind of its values, and figures about those it was given."""

    def __init__(self, name: str) -> None:
        self.name = name.strip()
        self.kind = Kind.TEXT
        self.nulls = 0
        self.distinct = DistinctCounter()
        self._least: tuple[Key, str] | None = None
        self._most: tuple[Key, str] | None = None

    def infer_kind(self, texts: list[str]) -> None:
        """Become the narrowest kind that nearly all of the texts are of."""
        values = [text.strip() for text in texts if not is_null(text)]
        for kind in Kind:
            fitting = sum(key_of(value, kind) is not None for value in values)
            if values and fitting >= _MAJORITY * len(values):
                self.kind = kind
                return

    def check(self, text: str) -> Key | str | None:
        """Return the key of the value, None for a null, or a sentence saying what is wrong."""
        if is_null(text):
            return None
        value = text.strip()
        key = key_of(value, self.kind)
        if key is None and self.kind is Kind.INTEGER:
            # A column of whole numbers in which a fraction turns up is one of decimals.
            key = key_of(value, Kind.DECIMAL)
            if key is not None:
                self.kind = Kind.DECIMAL
        if key is None:
            article = "an" if self.kind in {Kind.INTEGER, Kind.EMAIL} else "a"
            return f"{shown(self.name)}: {shown(value)!r} is not {article} {self.kind}"
        return key

    def add(self, text: str, key: Key | None) -> None:
        """Count a value that was checked; its key is None if it is a null."""
        if key is None:
            self.nulls += 1
            return
        value = text.strip()
        self.distinct.add(value)
        if self._least is None or key < self._least[0]:
            self._least = (key, value)
        if self._most is None or key > self._most[0]:
            self._most = (key, value)

    def as_json(self) -> dict[str, object]:
        """The figures, ready to be encoded; least and greatest value as they were written."""
        return {
            "name": shown(self.name),
            "type": str(self.kind) if self._least else "empty",
            "nulls": self.nulls,
            "distinct": self.distinct.count,
            "distinct_exact": self.distinct.exact,
            "min": shown(self._least[1]) if self._least else None,
            "max": shown(self._most[1]) if self._most else None,
        }
