"""The clients accept nothing that is not JSON, and keep the bytes of each message."""

from __future__ import annotations

import pytest

from tests.harness.clients import strict_json


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a":-Infinity}', '{"a":1,"a":2}', "", "{"])
def test_what_is_not_json_is_refused(text: str) -> None:
    """Python's extensions of JSON, and duplicate keys, are errors."""
    with pytest.raises(ValueError, match=r".+"):
        strict_json.loads(text)


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ('{"messages":[],"cursor":"1"}', []),
        ('{"messages": [ {"a": 1} , {"b":[2, 3]}]}', ['{"a": 1}', '{"b":[2, 3]}']),
        ('{"x":{"messages":[1]},"messages":[{"s":"],\\"}"}],"y":2}', ['{"s":"],\\"}"}']),
        ('{"other": 1 , "list": [2]}', []),
        ("{ }", []),
    ],
)
def test_members_are_cut_out_byte_by_byte(text: str, members: list[str]) -> None:
    """The texts of a list's elements are those that the server wrote, spaces and all."""
    assert strict_json.member_texts(text, "messages") == members
