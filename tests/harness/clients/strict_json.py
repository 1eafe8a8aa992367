"""JSON as RFC 8259 has it, where Python's own decoder is more generous."""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["loads", "member_texts"]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise ValueError(f"a key appears twice: {keys}")
    return dict(pairs)


_DECODER = json.JSONDecoder(
    parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates, strict=True
)


def loads(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError for NaN, Infinity and duplicate keys."""
    return _DECODER.decode(text)


def member_texts(text: str, key: str) -> list[str]:
    """Return the exact texts of the elements of ``{"<key>": [ … ]}``, a member of a JSON object."""
    position = _skip(text, 0, "{")
    while text[position] != "}":
        name, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position, ":")
        if name == key:
            return _elements(text, _skip(text, position, "["))
        _, position = _DECODER.raw_decode(text, position)
        position = _after_comma(text, position)
    return []


def _elements(text: str, position: int) -> list[str]:
    texts = []
    while text[position] != "]":
        _, end = _DECODER.raw_decode(text, position)
        texts.append(text[position:end])
        position = _after_comma(text, end)
    return texts


def _skip(text: str, position: int, expected: str) -> int:
    position = _skip_space(text, position)
    if text[position] != expected:
        raise ValueError(f"expected {expected!r}, got {text[position]!r}")
    return _skip_space(text, position + 1)


def _after_comma(text: str, position: int) -> int:
    position = _skip_space(text, position)
    return _skip(text, position, ",") if text[position] == "," else position


def _skip_space(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position
