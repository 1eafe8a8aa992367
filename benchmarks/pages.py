"""Writes the figures into the pages under ``docs/``, between markers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from benchmarks.outlook import outlook
from benchmarks.report import report
from benchmarks.servers import ROOT

__all__ = ["replace_part", "write"]

DOCS = ROOT / "docs"


def write(results: Mapping[str, Any]) -> None:
    """Write the report, the plots, and the model's figures."""
    # Only here: the rest runs without a plotting library.
    from benchmarks.plots import draw

    pictures = "\n\n".join(f"![{name}]({name})" for name in draw(results, DOCS))
    _write("performance.md", "report", f"{pictures}\n\n{report(results)}")
    if {"scaling", "tasks", "idle"} <= results.keys():
        _write("scaling.md", "figures", outlook(results))


def _write(page: str, part: str, text: str) -> None:
    path = DOCS / page
    path.write_text(replace_part(path.read_text(), part, text))


def replace_part(page: str, part: str, text: str) -> str:
    """Return a page with another text between the markers of a part. Raises ValueError."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    pattern = re.compile(f"(?<={re.escape(begin)}).*(?={re.escape(end)})", re.DOTALL)
    replaced, count = pattern.subn(lambda _: f"\n\n{text.strip()}\n\n", page)
    if count != 1:
        raise ValueError(f"the page has no part {part!r}")
    return replaced
