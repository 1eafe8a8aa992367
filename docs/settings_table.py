"""Writes the table of settings.md from taskstatus/conf.py: ``python docs/settings_table.py``."""

from __future__ import annotations

import ast
import re
from pathlib import Path

__all__ = ["page", "table"]

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "taskstatus" / "conf.py"
PAGE = ROOT / "docs" / "settings.md"
BEGIN, END = "<!-- from conf.py -->\n", "<!-- until here -->"


def table() -> str:
    """Return a row for each setting: its name, its type, its default, the comment above it."""
    source = SOURCE.read_text()
    lines = source.splitlines()
    (settings,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    rows = ["| setting | type | default | |", "| --- | --- | --- | --- |"]
    for node in settings.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            kind = ast.unparse(node.annotation).replace("|", "\\|")
            default = ast.get_source_segment(source, node.value)
            words = _comment(lines, node.lineno)
            rows.append(f"| `TASKSTATUS_{node.target.id}` | `{kind}` | `{default}` | {words} |")
    return "\n".join(rows) + "\n"


def _comment(lines: list[str], line: int) -> str:
    """Return the ``#:`` lines above a line, with reStructuredText's quotes as Markdown's."""
    words: list[str] = []
    while (above := lines[line - 2 - len(words)].strip()).startswith("#:"):
        words.insert(0, above.removeprefix("#:").strip())
    return re.sub(r"``", "`", " ".join(words)).replace("|", "\\|")


def page() -> str:
    """Return settings.md as it should be."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page())
