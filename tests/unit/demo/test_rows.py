"""Rows of a table, and the line where a broken file is broken."""

from __future__ import annotations

import io

import pytest

from config.demo.rows import MAX_COLUMNS, CsvError, Row, read_rows


def rows_of(content: bytes) -> list[Row]:
    """Read a whole file."""
    return list(read_rows(io.BytesIO(content)))


def test_the_header_comes_first_and_rows_know_their_line() -> None:
    """Every row has the line where it begins, whatever breaks there are in between."""
    rows = rows_of(b'a,b\n1,"x\ny"\n\n2,z\n')
    assert [(row.line, row.fields) for row in rows] == [
        (1, ["a", "b"]),
        (2, ["1", "x\ny"]),
        (5, ["2", "z"]),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_seen_in_the_header(delimiter: str) -> None:
    """Four delimiters are common, and the header tells which it is."""
    content = f"a{delimiter}b\n1{delimiter}2\n".encode()
    assert [row.fields for row in rows_of(content)] == [["a", "b"], ["1", "2"]]


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_fields() -> None:
    """What spreadsheets write can be read."""
    assert [row.fields for row in rows_of(b"\xef\xbb\xbfa,b\r\n1,2\r\n")] == [
        ["a", "b"],
        ["1", "2"],
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1: there is no header"),
        (b"\n1,2\n", "line 1: there is no header"),
        (b"a,,c\n", "line 1: column 2 has no name, so this is no header"),
        (b"a,b, a\n", "line 1: two columns have the name 'a'"),
        (b"a,b\n1,2\n3,\xe4\n", "line 3: this is not UTF-8 text (byte 0xe4 at position 3)"),
        (b"a,b\n1,\0\n", "line 2: there is a NUL byte, so this is not a text file"),
        (b'a,b\n1,2\n3,"x\n4,5\n', "line 3: a quoted field is opened here and never closed"),
        (b'a,b\n1,"x"y\n', "line 2: there is text after a closing quote"),
        (b"a,b\n1,2\r3,4\n", "line 2: there is a carriage return in the middle of the line"),
        (b'a,b\n1,2\n1,"' + b"x" * 200_000, "line 3: a field is too long; is a quote opened"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(content: bytes, said: str) -> None:
    """A file that is broken ends in one sentence that names the line."""
    with pytest.raises(CsvError) as raised:
        rows_of(content)
    assert str(raised.value).startswith(said)


def test_too_many_columns_are_refused() -> None:
    """The summary has a bounded size, so the table has a bounded width."""
    header = ",".join(f"c{number}" for number in range(MAX_COLUMNS + 1)).encode()
    with pytest.raises(CsvError, match=r"line 1: 51 columns are too many; 50 is the most"):
        rows_of(header + b"\n")


def test_rows_before_the_broken_line_are_read() -> None:
    """Reading is row by row: what comes before the fault is there."""
    rows = read_rows([b"a,b\n", b"1,2\n", b'3,"4"5\n'])
    assert next(rows).fields == ["a", "b"]
    assert next(rows).fields == ["1", "2"]
    with pytest.raises(CsvError, match=r"^line 3: "):
        next(rows)
