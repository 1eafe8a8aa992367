"""The summary of a table: figures per column, and which rows are bad."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from config.demo.rows import MAX_COLUMNS, CsvError, read_rows
from config.demo.summary import MAX_BAD_ROWS, Summary


def summary_of(text: str) -> dict[str, Any]:
    """Summarize a whole file."""
    rows = read_rows(io.BytesIO(text.encode()))
    summary = Summary(next(rows))
    for row in rows:
        summary.add(row)
    summary.finish()
    return summary.as_json()


def column_of(values: list[str]) -> dict[str, Any]:
    """Summarize a file of one column, beside a number that keeps blank fields from vanishing."""
    lines = "".join(f"{number},{value}\n" for number, value in enumerate(values))
    columns: list[dict[str, Any]] = summary_of(f"n,value\n{lines}")["columns"]
    return columns[1]


def test_a_column_has_a_type_nulls_distinct_values_and_bounds() -> None:
    """All that is promised of a column is there; bounds are as they were written."""
    assert column_of(["3.50", "", "10", "3.50", "N/A"]) == {
        "name": "value",
        "type": "decimal",
        "nulls": 2,
        "distinct": 2,
        "distinct_exact": True,
        "min": "3.50",
        "max": "10",
    }


def test_a_column_without_values_is_empty() -> None:
    """Nulls alone have no type and no bounds."""
    column = column_of(["", "null"])
    assert (column["type"], column["nulls"], column["min"], column["max"]) == (
        "empty",
        2,
        None,
        None,
    )


def test_a_column_with_too_many_strangers_is_text() -> None:
    """One in three is no exception any more."""
    assert column_of(["1", "2", "three"])["type"] == "text"


def test_a_stranger_in_a_column_makes_a_bad_row_with_its_line() -> None:
    """A value that is not of the column's type is reported, and left out of the figures."""
    rows = "".join(f"{number},2024-01-{number % 28 + 1:02}\n" for number in range(40))
    result = summary_of(f"id,day\n{rows}99,2024-02-30\n")
    assert (result["rows"], result["bad_rows"]) == (41, 1)
    assert result["bad_lines"] == [{"line": 42, "reason": "day: '2024-02-30' is not a date"}]
    assert result["columns"][0]["max"] == "39"


def test_a_row_with_another_number_of_fields_is_bad() -> None:
    """The header says how many fields there are."""
    result = summary_of("a,b\n1,2\n1\n1,2,3\n")
    assert result["bad_lines"] == [
        {"line": 3, "reason": "1 fields, but the header has 2"},
        {"line": 4, "reason": "3 fields, but the header has 2"},
    ]


def test_a_fraction_late_in_a_column_of_whole_numbers_is_no_fault() -> None:
    """The type is widened, since the first thousand rows may just have been round."""
    column = column_of([str(number) for number in range(1500)] + ["0.5"])
    assert (column["type"], column["max"]) == ("decimal", "1499")


def test_a_header_alone_is_a_table_without_rows() -> None:
    """Nothing to summarize is no failure."""
    result = summary_of("a,b\n")
    assert (result["rows"], result["bad_rows"]) == (0, 0)


def test_a_table_without_one_good_row_is_a_failure_that_names_the_line() -> None:
    """When nothing fits the header, the header is not one."""
    with pytest.raises(CsvError, match=r"^line 2: 3 fields, but the header has 2; not one of"):
        summary_of("a,b\n1,2,3\n4,5,6\n")


def test_too_many_bad_rows_are_a_failure_that_names_the_line() -> None:
    """It is given up at the first bad row that is too many."""
    bad = "1\n" * (MAX_BAD_ROWS + 5)
    with pytest.raises(CsvError, match=r"^line 1003: .* bad row number 1,001, too many"):
        summary_of(f"a,b\n1,2\n{bad}")


def test_bad_rows_are_told_as_they_are_found() -> None:
    """Those among the first thousand at once when the types are known, then one by one."""
    rows = read_rows([b"a,b\n", *[b"1,2\n"] * 998, b"1\n", b"1,2\n", b"3\n"])
    summary = Summary(next(rows))
    found = [[bad.line for bad in summary.add(row)] for row in rows]
    assert found[-2:] == [[1000], [1002]]
    assert not any(found[:-2])
    assert summary.finish() == []


def test_the_largest_summary_is_far_below_the_limit_of_a_result() -> None:
    """Names, values and lists are cut, and it says how much was left out."""
    wide = "\N{GRINNING FACE}" * 200
    header = ",".join(f"{number}{wide}" for number in range(MAX_COLUMNS))
    good = ",".join([wide] * MAX_COLUMNS)
    result = summary_of(f"{header}\n" + f"{good}\n" * 50 + "x\n" * 900)
    assert len(json.dumps(result, ensure_ascii=False).encode()) < 40_000
    assert (len(result["bad_lines"]), result["bad_lines_omitted"]) == (20, 880)
