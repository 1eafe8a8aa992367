"""Lines of a file in, rows of a table out; pure, and exact about line numbers."""

from __future__ import annotations

import csv
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["MAX_COLUMNS", "CsvError", "Row", "read_rows"]

MAX_COLUMNS = 50
_DELIMITERS = ",;\t|"
# What the csv module says, and what it means to the owner of the file.
_MEANINGS = {
    "unexpected end of data": "a quoted field is opened here and never closed",
    "field larger than field limit": "a field is too long; is a quote opened and never closed?",
    "expected after": "there is text after a closing quote",
    "new-line character": "there is a carriage return in the middle of the line",
}


class CsvError(ValueError):
    """The file cannot be read beyond a line, which the text names: ``line 7: …``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The fields of one row, and the line of the file where it begins."""

    line: int
    fields: list[str]


def read_rows(lines: Iterable[bytes]) -> Iterator[Row]:
    """
    Yield the header, then each row that is not empty.

    The delimiter is the one of comma, semicolon, tab and bar that the first line has most.
    Raises CsvError at the first line that is not UTF-8 text, not CSV, or, being the first,
    no header: every column needs a name of its own.
    """
    decoded = _decode(lines)
    first = next(decoded, "")
    if not first.strip():
        raise CsvError("line 1: there is no header")
    delimiter = max(_DELIMITERS, key=first.count)
    rows = _split(itertools.chain([first], decoded), delimiter=delimiter)
    header = next(rows)
    _check_header(header.fields)
    yield header
    yield from rows


def _decode(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if b"\0" in line:
            raise CsvError(f"line {number}: there is a NUL byte, so this is not a text file")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            at = f"byte 0x{line[error.start]:02x} at position {error.start + 1}"
            raise CsvError(f"line {number}: this is not UTF-8 text ({at})") from error


def _split(lines: Iterator[str], *, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        # A quoted field may hold line breaks: what counts is where its row began.
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            meaning = next((m for said, m in _MEANINGS.items() if said in str(error)), str(error))
            raise CsvError(f"line {line}: {meaning}") from error
        if fields:
            yield Row(line=line, fields=fields)


def _check_header(names: list[str]) -> None:
    if len(names) > MAX_COLUMNS:
        raise CsvError(f"line 1: {len(names)} columns are too many; {MAX_COLUMNS} is the most")
    seen = set()
    for position, name in enumerate((name.strip() for name in names), start=1):
        if not name:
            raise CsvError(f"line 1: column {position} has no name, so this is no header")
        if name in seen:
            raise CsvError(f"line 1: two columns have the name {name[:40]!r}")
        seen.add(name)
