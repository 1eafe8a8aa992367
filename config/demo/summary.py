"""A table is added row by row; at the end there is a summary. Pure: no Django, no Celery."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from config.demo.column import Column
from config.demo.rows import CsvError, Row

if TYPE_CHECKING:
    from config.demo.kinds import Key

__all__ = ["MAX_BAD_ROWS", "BadRow", "Summary"]

MAX_BAD_ROWS = 1000
_LISTED = 20
# The kinds of the columns are inferred from so many rows, which are kept meanwhile.
_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that does not fit its table."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class Summary:
    """
    What there is to say of a table: figures per column, and the rows that are bad.

    A row is bad if it has not as many fields as the header, or a value that is not of the
    kind of its column. Bad rows are listed and left out of the figures. The memory needed
    does not grow with the table.
    """

    def __init__(self, header: Row) -> None:
        self.columns = [Column(name) for name in header.fields]
        self.rows = 0
        self.bad_rows = 0
        self._bad: list[BadRow] = []
        self._waiting: list[Row] | None = []

    def add(self, row: Row) -> list[BadRow]:
        """
        Add a row; return those found bad by it.

        They need not be this one: the first thousand rows wait until the kinds of the
        columns are known. Raises CsvError at one bad row too many.
        """
        self.rows += 1
        if self._waiting is None:
            return self._judge([row])
        self._waiting.append(row)
        return self.finish() if len(self._waiting) == _LOOKED_AT else []

    def finish(self) -> list[BadRow]:
        """Judge the rows that still wait, if any; call it after the last row, too."""
        if self._waiting is None:
            return []
        rows, self._waiting = self._waiting, None
        whole = [row.fields for row in rows if len(row.fields) == len(self.columns)]
        for position, column in enumerate(self.columns):
            column.infer_kind([fields[position] for fields in whole])
        bad = self._judge(rows)
        if bad and len(bad) == len(rows):
            raise CsvError(f"{bad[0]}; not one of the first {len(rows)} rows is good")
        return bad

    def as_json(self) -> dict[str, object]:
        """The summary, ready to be encoded; far below 64 KiB whatever the table is."""
        return {
            "rows": self.rows,
            "bad_rows": self.bad_rows,
            "bad_lines": [asdict(bad) for bad in self._bad],
            "bad_lines_omitted": self.bad_rows - len(self._bad),
            "columns": [column.as_json() for column in self.columns],
        }

    def _judge(self, rows: list[Row]) -> list[BadRow]:
        found = []
        for row in rows:
            reason = self._count(row)
            if reason is None:
                continue
            bad = BadRow(line=row.line, reason=reason)
            found.append(bad)
            self.bad_rows += 1
            if self.bad_rows > MAX_BAD_ROWS:
                raise CsvError(f"{bad}; that is the bad row number {self.bad_rows:,}, too many")
            if len(self._bad) < _LISTED:
                self._bad.append(bad)
        return found

    def _count(self, row: Row) -> str | None:
        """Take the row into the figures, or return why it is bad."""
        if len(row.fields) != len(self.columns):
            return f"{len(row.fields)} fields, but the header has {len(self.columns)}"
        keys: list[Key | None] = []
        for column, text in zip(self.columns, row.fields, strict=True):
            key = column.check(text)
            if isinstance(key, str):
                return key
            keys.append(key)
        for column, text, key in zip(self.columns, row.fields, keys, strict=True):
            column.add(text, key)
        return None
