"""What is wrong with a request is said alike on every transport: 400 before 403 before 404."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.conformance.refusals import end_of
from tests.harness.clients import TRANSPORTS, End
from tests.harness.steps import pending

if TYPE_CHECKING:
    from tests.harness.site import Site

BAD_CURSORS = [
    *("", "x", "-1", "1.5", "1e3", " 1", "1 ", "0x1", "1" * 17, "1" * 65, "1" * 5_000),
    *("\u0661", "\uff11", "1\n", "1\x00", "None", "1:2", "\u20ac", "<script>"),
]


def unknown_id() -> str:
    """Return an id that no task has."""
    return f"unknown-{uuid.uuid4()}"


@pytest.mark.parametrize("cursor", BAD_CURSORS, ids=[repr(cursor)[:12] for cursor in BAD_CURSORS])
async def test_what_was_never_a_cursor_is_malformed(
    site: Site, transport: str, cursor: str
) -> None:
    """A cursor is 1 to 16 ASCII digits; anything else is a bad request."""
    task = await site.task(pending())
    await end_of(task.follow(transport, after=cursor), End.BAD_REQUEST)


@pytest.mark.parametrize("types", ["", "nonsense", "status,nonsense", "STATUS", "status;log", ","])
async def test_types_that_do_not_exist_are_malformed(
    site: Site, transport: str, types: str
) -> None:
    """types names message types that there are, separated by commas."""
    task = await site.task(pending())
    await end_of(task.follow(transport, types=types), End.BAD_REQUEST)


async def test_a_parameter_that_nobody_knows_is_ignored(site: Site, transport: str) -> None:
    """Clients of later versions may say more than this server understands."""
    task = await site.task(pending())
    params = {"colour": "blue", "version": "9", "": "empty"}
    async with task.follow(transport, params=params) as client:
        assert (await client.next()).state == "PENDING"


async def test_an_unknown_task_is_not_found(site: Site, transport: str) -> None:
    """Who would be allowed to see the task is told that there is none."""
    task = await site.task(task_id=unknown_id())
    await end_of(task.follow(transport), End.UNKNOWN)


async def test_an_unknown_task_is_not_found_with_a_cursor(site: Site, transport: str) -> None:
    """A cursor makes no task known."""
    task = await site.task(task_id=unknown_id())
    await end_of(task.follow(transport, after="5"), End.UNKNOWN)


async def test_a_task_is_known_as_soon_as_it_is_pending(site: Site, transport: str) -> None:
    """The first step of a life turns unknown into known."""
    task = await site.task(task_id=unknown_id())
    await end_of(task.follow(transport), End.UNKNOWN)
    await task.play(pending())
    async with task.follow(transport) as client:
        assert (await client.next()).state == "PENDING"


async def test_without_access_known_and_unknown_look_alike(site: Site, transport: str) -> None:
    """A stranger learns nothing about which tasks there are."""
    known, unknown = await site.task(pending()), await site.task(task_id=unknown_id())
    ends = [
        await end_of(task.follow(transport, token=None), End.FORBIDDEN) for task in (known, unknown)
    ]
    assert ends[0].body.replace(known.id.encode(), b"") == ends[1].body.replace(
        unknown.id.encode(), b""
    )


async def test_malformed_comes_before_forbidden(site: Site, transport: str) -> None:
    """A request that makes no sense is told so, whoever sends it."""
    task = await site.task(pending())
    await end_of(task.follow(transport, token=None, after="x"), End.BAD_REQUEST)
    await end_of(task.follow(transport, token="bad", types="x"), End.BAD_REQUEST)


async def test_an_error_does_not_hurt_the_next_request(site: Site) -> None:
    """After every kind of refusal, on each transport, the server serves on."""
    task, unknown = await site.task(pending()), await site.task(task_id=unknown_id())
    for transport in TRANSPORTS:
        await end_of(task.follow(transport, after="x"), End.BAD_REQUEST)
        await end_of(task.follow(transport, token=None), End.FORBIDDEN)
        await end_of(unknown.follow(transport), End.UNKNOWN)
        async with task.follow(transport) as client:
            assert (await client.next()).state == "PENDING"
