"""The result of a task: whole, or left out by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.status import STATUS_KEYS, status_after
from tests.harness.steps import pending, started, success

if TYPE_CHECKING:
    from tests.harness.site import Site


RESULTS = [None, 0, False, "", "text", [], {}, [1, 2.5, None, True], {"a": {"b": "ü"}}, 2**60]


@pytest.mark.parametrize("result", RESULTS, ids=repr)
async def test_a_json_result_comes_as_it_is(site: Site, result: object) -> None:
    """On SUCCESS the result is part of the status."""
    status = await status_after(site, pending(), started(), success(result))
    assert status["result"] == result
    assert type(status["result"]) is type(result)
    assert "result_omitted" not in status


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (float("nan"), None),
        ({"a": float("inf"), "b": [float("-inf"), 1]}, {"a": None, "b": [None, 1]}),
        ({"$odd": "tuple"}, [1, 2]),
        ({"$odd": "integer keys"}, {"1": "one"}),
    ],
)
async def test_a_result_is_made_json_where_it_can_be(
    site: Site, result: object, expected: object
) -> None:
    """Numbers that JSON has not are null; tuples and keys are what JSON makes of them."""
    status = await status_after(site, pending(), started(), success(result))
    assert status["result"] == expected
    assert "result_omitted" not in status


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"$odd": "object"}, "not-json"),
        ({"$odd": "bytes"}, "not-json"),
        ({"$odd": "set"}, "not-json"),
        ({"$odd": "exception"}, "not-json"),
        ({"$odd": "circle"}, "not-json"),
        ({"$odd": "well"}, "not-json"),
        ({"$odd": "five megabytes"}, "too-large"),
        ("x" * 70_000, "too-large"),
        (["é" * 40_000], "too-large"),
    ],
    ids=[
        "object",
        "bytes",
        "set",
        "exception",
        "circle",
        "well",
        "5 MB",
        "long text",
        "long in bytes",
    ],
)
async def test_a_result_that_can_not_be_sent_is_omitted_by_name(
    site: Site, transport: str, result: object, reason: str
) -> None:
    """The task has succeeded all the same; the reason for the missing result is told."""
    status = await status_after(site, pending(), started(), success(result), transport=transport)
    assert set(status) == STATUS_KEYS | {"result_omitted"}
    assert status["state"] == "SUCCESS"
    assert status["result"] is None
    assert status["result_omitted"] == reason


async def test_a_result_of_the_largest_size_is_sent(site: Site) -> None:
    """The limit is on the bytes of the result as JSON, and included."""
    largest = "x" * (65_536 - 2)
    assert (await status_after(site, pending(), started(), success(largest)))["result"] == largest
    status = await status_after(site, pending(), started(), success(largest + "x"))
    assert status["result_omitted"] == "too-large"
