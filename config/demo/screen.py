"""What the launcher tells the person at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from config.demo.lines import Lines

__all__ = ["Screen"]


class Screen:
    """Lines on the standard output. None is ever wrapped: some are there to be pasted."""

    def __init__(self) -> None:
        # Without a terminal there is no width to respect, and no colour.
        self._console = Console(highlight=False, markup=False, emoji=False)

    def step(self, text: str) -> None:
        """Say what is being done now."""
        self._line("• ", "bold cyan", text)

    def done(self, text: str) -> None:
        """Say how the step ended."""
        self._line("  ✓ ", "green", text)

    def problem(self, sentence: str) -> None:
        """Say in one sentence why it does not go on."""
        self._line("✗ ", "bold red", sentence)

    def log_tail(self, name: str, text: str) -> None:
        """Show how a log ends."""
        self._console.print(Text(f"The end of {name}:", style="dim"), soft_wrap=True)
        self._console.print(Text(text), soft_wrap=True)

    def ready(self, *, page: str, job: str | None, lines: Lines | None, hints: list[str]) -> None:
        """Say where the page is and how to follow the job that was started."""
        self._titled("\nOpen the page", page)
        if job and lines:
            self._titled("\nA job is running; its own page", job)
            self._titled("\nFollow it in another terminal: Server-Sent Events", lines.sse)
            self._titled("\nLong-poll", lines.longpoll)
            self._titled("\nWebSocket", lines.websocket)
        self._console.print()
        for hint in hints:
            self._console.print(Text(hint, style="dim"), soft_wrap=True)

    def _line(self, mark: str, style: str, text: str) -> None:
        self._console.print(Text.assemble((mark, style), text), soft_wrap=True)

    def _titled(self, title: str, text: str) -> None:
        self._console.print(Text(f"{title}:", style="bold"), soft_wrap=True)
        self._console.print(Text(text), soft_wrap=True)
