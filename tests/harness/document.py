"""The code blocks of a page of documentation, and what their first line says of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Block", "blocks"]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
#: ``# proj/settings.py, at the end``: where a block belongs.
_LABEL = re.compile(r"(?:#|{#) (?P<file>[\w./-]+\.(?:py|html))(?:, (?P<place>.*?))?(?: #})?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    #: Of the page, for messages.
    name: str

    @property
    def file(self) -> str:
        """The file that the block belongs to, "" when it names none."""
        label = _LABEL.match(self.text)
        return label["file"] if label else ""

    @property
    def place(self) -> str:
        """Where in that file, "" when it is all of it."""
        label = _LABEL.match(self.text)
        return (label["place"] or "") if label else ""

    @property
    def code(self) -> str:
        """The text without the line that names the file."""
        return _LABEL.sub("", self.text, count=1)

    @property
    def commands(self) -> list[str]:
        """What a console block has a reader type."""
        lines = self.text.replace("\\\n", "").splitlines()
        return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def blocks(page: Path, *, section: str = "") -> list[Block]:
    """Return the blocks of a page in order, or of one section, which goes on to the next title."""
    text = page.read_text()
    if section:
        found = re.search(
            rf"^(#+) {re.escape(section)}\n(.*?)(?=^\1 |\Z)", text, re.MULTILINE | re.DOTALL
        )
        assert found, f"{page.name} has no section {section!r}"
        text = found[2]
    return [
        Block(
            language=fence["language"],
            text=re.sub(rf"^{fence['indent']}", "", fence["text"], flags=re.MULTILINE),
            name=f"{page.name}:{text.count(chr(10), 0, fence.start()) + 1}",
        )
        for fence in _FENCE.finditer(text)
    ]
