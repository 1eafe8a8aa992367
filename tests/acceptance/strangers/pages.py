"""The pages that strangers read, and the blocks in them."""

from __future__ import annotations

from pathlib import Path

from tests.harness.document import Block, blocks

__all__ = ["ROOT", "SERVER", "WORKER", "migration", "quick_start", "tutorial", "without_servers"]

ROOT = Path(__file__).resolve().parents[3]
#: What goes on until it is stopped.
WORKER = "celery -A proj worker --loglevel INFO"
SERVER = "python manage.py runserver"


def quick_start() -> list[Block]:
    """Return the blocks of the README's quick start."""
    return blocks(ROOT / "README.md", section="Use it in your project")


def tutorial(section: str) -> list[Block]:
    """Return the blocks of a part of the tutorial."""
    return blocks(ROOT / "docs" / "tutorial.md", section=section)


def migration(name: str) -> list[Block]:
    """Return the blocks of a page for those who come from elsewhere."""
    return blocks(ROOT / "docs" / "migrating" / f"{name}.md")


def without_servers(found: list[Block]) -> list[Block]:
    """Return the blocks without those that start what goes on."""
    return [block for block in found if not {WORKER, SERVER} & set(block.commands)]
