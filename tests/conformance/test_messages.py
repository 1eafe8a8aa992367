"""What stands in a message: exact keys, types, times, and nothing made up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.status import STATUS_KEYS, status_after
from tests.harness.steps import (
    custom,
    log,
    pending,
    progress,
    received,
    retry,
    started,
    success,
)

if TYPE_CHECKING:
    from tests.harness.clients import Message
    from tests.harness.site import Site

PROGRESS_KEYS = {"current", "total", "percent", "message", "rate", "eta"}
LOG_KEYS = {"type", "task_id", "cursor", "version", "level", "message", "at"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)\Z")
LIFE = [
    *(pending(), received(), started(), progress(1), custom("PARSING"), retry(), started()),
    *(progress(1, 3, "half"), success({"answer": 42})),
]


@pytest.mark.parametrize("length", range(1, len(LIFE) + 1))
async def test_a_status_has_exactly_its_keys(site: Site, transport: str, length: int) -> None:
    """Every status is the whole state, with each value of its type."""
    status = await status_after(site, *LIFE[:length], transport=transport)
    assert set(status) == STATUS_KEYS
    assert status["type"] == "status"
    assert status["name"] == "tests.driven"
    assert re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", status["cursor"])
    assert type(status["version"]) is int
    assert 1 <= status["version"] < 2**53
    assert status["ready"] is (LIFE[length - 1].state == "SUCCESS")
    assert status["stalled"] is False
    assert type(status["retries"]) is int
    for key in ("error", "error_type", "parent_id", "root_id", "group_id"):
        assert status[key] is None or type(status[key]) is str
    if status["progress"] is not None:
        assert set(status["progress"]) == PROGRESS_KEYS


async def test_times_are_utc_and_in_order(site: Site, transport: str) -> None:
    """Each time is RFC 3339 with seconds, in UTC, and set once what it names has happened."""
    task = await site.task(pending())
    expected = {
        "PENDING": {"created_at", "updated_at"},
        "STARTED": {"created_at", "updated_at", "started_at"},
        "SUCCESS": {"created_at", "updated_at", "started_at", "finished_at"},
    }
    async with task.follow(transport) as client:
        await client.next()
        await task.play(started(), success())
        messages = await client.collect()
    for message in messages:
        times = {key: at for key, at in message.data.items() if key.endswith("_at") and at}
        assert set(times) == expected[str(message.state)]
        assert all(TIME.match(at) for at in times.values())
        ordered = [
            times[key] for key in ("created_at", "started_at", "finished_at") if key in times
        ]
        assert ordered == sorted(ordered)
        assert times["updated_at"] >= ordered[-1]


async def test_a_log_line_has_exactly_its_keys(site: Site, transport: str) -> None:
    """A log message is the line, its level and its time."""
    task = await site.task(pending(), started(), log("a line", level="warning"))
    async with task.follow(transport, types="status,log") as client:
        await client.next()
        line = (await client.next()).data
    assert set(line) == LOG_KEYS
    assert (line["type"], line["level"], line["message"]) == ("log", "warning", "a line")
    assert line["cursor"] == str(line["version"])
    assert TIME.match(line["at"])


@pytest.mark.parametrize(
    ("current", "total", "expected"),
    [
        (5, 20, {"current": 5, "total": 20, "percent": 25}),
        (0, 20, {"current": 0, "total": 20, "percent": 0}),
        (20, 20, {"current": 20, "total": 20, "percent": 100}),
        (5, None, {"current": 5, "total": None, "percent": None, "eta": None}),
        (0, 0, {"current": 0, "total": 0, "percent": None, "eta": None}),
        (2.5, 10, {"current": 2.5, "total": 10, "percent": 25}),
        (float("nan"), 10, {"current": None, "total": 10, "percent": None, "eta": None}),
        (1, float("inf"), {"current": 1, "total": None, "percent": None, "eta": None}),
        (float("-inf"), float("nan"), {"current": None, "total": None, "percent": None}),
        (1e308, 1e-308, {"current": 1e308, "total": 1e-308}),
    ],
)
async def test_progress_is_never_made_up(
    site: Site, current: float, total: float | None, expected: dict[str, Any]
) -> None:
    """A figure that is not known, or not finite, is null."""
    status = await status_after(site, pending(), started(), progress(current, total, "on"))
    assert status["progress"] == status["progress"] | expected | {"message": "on"}


async def test_progress_is_null_before_there_is_any(site: Site) -> None:
    """A task that has not said how far it is has no progress."""
    assert (await status_after(site, pending(), started()))["progress"] is None


async def test_a_custom_state_is_told_by_its_name(site: Site, transport: str) -> None:
    """A state of the task's own is neither ready nor anything else."""
    meta = {"current": 2, "total": 8, "message": "rows"}
    status = await status_after(
        site, pending(), started(), custom("PARSING", meta), transport=transport
    )
    assert status["state"] == "PARSING"
    assert status["ready"] is False


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
async def test_a_line_has_the_level_it_was_written_with(site: Site, level: str) -> None:
    """Levels are passed on as they are."""
    task = await site.task(pending(), started(), log("a line", level=level))
    async with task.follow("websocket", types="status,log") as client:
        await client.next()
        assert (await client.next())["level"] == level


async def test_equal_messages_still_have_versions_of_their_own(site: Site) -> None:
    """The same line twice is two messages."""
    task = await site.task(pending(), started(), log("same"), log("same"))
    async with task.follow("websocket", types="status,log") as client:
        lines: list[Message] = [await client.next() for _ in range(3)][1:]
    assert [line["message"] for line in lines] == ["same", "same"]
    assert lines[0].version != lines[1].version
