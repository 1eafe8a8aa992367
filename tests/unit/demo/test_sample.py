"""The samples: the same everywhere, and broken where they should be."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from config.demo.rows import CsvError, read_rows
from config.demo.sample import Sample, sample_rows, write_sample
from config.demo.summary import Summary

if TYPE_CHECKING:
    from pathlib import Path


def test_a_sample_is_the_same_every_time() -> None:
    """Two runs make the same lines."""
    first, second = (list(itertools.islice(sample_rows(Sample.GOOD), 100)) for _ in range(2))
    assert first == second


def test_the_start_of_a_sample_is_good_and_its_types_are_seen() -> None:
    """The columns are of the kinds that they were made of."""
    lines = itertools.islice(sample_rows(Sample.GOOD), 2001)
    rows = read_rows(line.encode() for line in lines)
    summary = Summary(next(rows))
    assert not any(summary.add(row) for row in rows)
    kinds = [str(column.kind) for column in summary.columns]
    assert kinds == [
        *("integer", "date", "datetime", "e-mail", "text"),
        *("text", "integer", "decimal", "boolean", "text"),
    ]


def test_the_broken_sample_breaks_at_one_line() -> None:
    """The line that is named is that of the stray quote, below the header."""
    first = Sample.BROKEN.broken_row - 2
    lines = itertools.islice(sample_rows(Sample.BROKEN), first, Sample.BROKEN.broken_row + 1)
    with pytest.raises(CsvError, match=r"^line 4: there is text after a closing quote"):
        list(read_rows(itertools.chain([b"a,b,c\n"], (line.encode() for line in lines))))


def test_a_sample_that_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    """Half a file is never seen, not even after a failure."""

    def lines() -> itertools.chain[str]:
        return itertools.chain(["a\n"], (str(1 // 0) for _ in range(1)))

    with pytest.raises(ZeroDivisionError):
        write_sample(lines(), tmp_path / "samples" / "sample.csv")
    assert list((tmp_path / "samples").iterdir()) == []
    write_sample(["a\n", "1\n"], tmp_path / "samples" / "sample.csv")
    assert (tmp_path / "samples" / "sample.csv").read_text() == "a\n1\n"
