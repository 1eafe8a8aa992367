"""``python -m tests.acceptance.faults.report``: the last run's outcomes, for docs/reliability.md.

Reads what pytest has written (``--junitxml``), and puts a table between two marks of the page: each
test of this folder, what it promises, and the figures that it took down (the fixture ``outcome``).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

__all__ = ["BEGIN", "END", "FOLDER", "PAGE", "Promise", "promises", "table"]

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
PAGE = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / "var" / "reliability.xml"
BEGIN = "<!-- the last run, by `make reliability` -->"
END = "<!-- end of the last run -->"


@dataclass(frozen=True, slots=True)
class Promise:
    """A test: where it is, what happens in it, what it holds us to."""

    module: str
    name: str
    says: str

    @property
    def what(self) -> str:
        """The name, as a sentence has it."""
        return self.name.removeprefix("test_").replace("_", " ")


@dataclass(slots=True)
class Outcome:
    """What became of a test, in all of its cases."""

    passed: int = 0
    failed: int = 0
    figures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if self.failed:
            return f"**{self.failed} of {self.passed + self.failed} failed**"
        cases = f"{self.passed} cases" if self.passed > 1 else "ok"
        return "; ".join(sorted(self.figures)) or cases


def promises() -> Iterator[Promise]:
    """Yield every test of this folder, in the order of the files."""
    for path in sorted(FOLDER.glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.name[:5] == "test_"
            ):
                says = (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
                yield Promise(path.stem, node.name, says)


def outcomes(results: Path) -> dict[tuple[str, str], Outcome]:
    """Return the outcome of each test, by module and name, from pytest's file."""
    found: dict[tuple[str, str], Outcome] = {}
    for case in ET.parse(results).iter("testcase"):
        name, _, parameters = str(case.get("name")).partition("[")
        module = str(case.get("classname")).rpartition(".")[2]
        outcome = found.setdefault((module, name), Outcome())
        if any(child.tag in {"failure", "error", "skipped"} for child in case):
            outcome.failed += 1
            continue
        outcome.passed += 1
        for figure in case.iter("property"):
            label = f"`{parameters[:-1]}` " if parameters else ""
            outcome.figures.append(f"{label}{figure.get('value')}")
    return found


def table(results: Path) -> str:
    """Return the table, as Markdown."""
    known = outcomes(results)
    lines = ["| what happens | what holds | measured | test |", "| --- | --- | --- | --- |"]
    for promise in promises():
        outcome = known.get((promise.module, promise.name), "not run")
        where = f"`{promise.module}.py`"
        lines.append(f"| {promise.what} | {promise.says} | {outcome} | {where} |")
    return "\n".join(lines)


def main() -> None:
    """Write the table into the page."""
    page = PAGE.read_text()
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(page):
        sys.exit(f"{PAGE} has no marks to put the table between.")
    PAGE.write_text(pattern.sub(lambda _: f"{BEGIN}\n\n{table(RESULTS)}\n\n{END}", page))


if __name__ == "__main__":
    main()
