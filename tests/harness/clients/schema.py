"""The protocol's JSON Schemas, compiled to functions, so that they can look at all that comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

__all__ = ["validator"]

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "schema"


def _load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


@cache
def validator(name: str) -> Callable[[object], object]:
    """Return a function that raises ValueError for what the schema in this file forbids."""
    check: Callable[[object], object] = fastjsonschema.compile(_load(name), handlers={"": _load})
    return check
