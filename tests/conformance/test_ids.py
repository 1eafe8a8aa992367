"""A task id is any string of 1 to 255 characters with no control characters, percent-encoded."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies

from tests.conformance.lives import FIXTURES_ARE_SHARED
from tests.conformance.refusals import CODES, end_of
from tests.harness.clients import TRANSPORTS, End
from tests.harness.steps import pending, started, success

if TYPE_CHECKING:
    from tests.harness.site import Site

GOOD = {
    "space": "a b",
    "slash": "a/b",
    "slashes": "/a//b/",
    "dots": "a..b.",
    "dot": ".",
    "two dots": "..",
    "percent": "100%",
    "percent escape": "a%2Fb",
    "plus": "a+b",
    "question": "a?b=c&d#e",
    "colon": "a:b;c,d",
    "quotes": "a\"b'c\\d",
    "markup": "<b>&amp;</b>",
    "braces": "{a}{b}",
    "unicode": "Größe-任务-🎉",
    "arabic digits": "\u0661\u0662",
    "combining": "e\u0301",
    "line separator": "a\u2028b",
    "no-break space": "\u00a0",
    "bidi": "a\u202eb",
    "replacement": "\ufffd",
    "longest": "x" * 255,
    "longest unicode": "🎉" * 255,
    "a view's name": "cancel",
    "log": "log",
}
BAD = {
    "too long": "x" * 256,
    "too long in unicode": "é" * 256,
    "far too long": "x" * 5_000,
    "newline at the end": "abc\n",
    "newline": "a\nb",
    "carriage return": "abc\r",
    "nul": "a\x00b",
    "tab": "a\tb",
    "escape": "\x1b[31m",
    "delete": "a\x7f",
    "next line": "a\x85b",
    "newline alone": "\n",
}


def unique(task_id: str) -> str:
    """Return the id made unique where it has room for it: sites live longer than a test."""
    tail = uuid.uuid4().hex[:8]
    if len(task_id) == 255:
        return task_id[: 255 - len(tail)] + tail
    return task_id if task_id in {".", ".."} else task_id + tail


@pytest.mark.parametrize("task_id", GOOD.values(), ids=list(GOOD))
async def test_an_odd_id_is_as_good_as_any(site: Site, task_id: str) -> None:
    """Each transport serves the task, and each message bears its exact id."""
    task = await site.task(task_id=unique(task_id))
    await task.play(pending())
    for transport in TRANSPORTS:
        async with task.follow(transport) as client:
            assert (await client.next())["task_id"] == task.id
    assert (await task.snapshot()).json()["task_id"] == task.id


async def test_an_odd_id_is_live(site: Site, transport: str) -> None:
    """Messages find their way to a task whose id would be no name of a group."""
    task = await site.task(pending(), task_id=unique("Größe / 任务:🎉 "))
    async with task.follow(transport) as client:
        await client.next()
        await task.play(started(), success())
        assert [message.state for message in await client.collect()][-1] == "SUCCESS"


@pytest.mark.parametrize("task_id", BAD.values(), ids=list(BAD))
async def test_what_is_no_id_is_malformed(site: Site, transport: str, task_id: str) -> None:
    """Too long, or with a control character anywhere: a bad request, with a token or without."""
    client = TRANSPORTS[transport](site.server(0).url, task_id, token="none")
    await end_of(client, End.BAD_REQUEST)


async def test_an_empty_id_is_malformed(site: Site, transport: str) -> None:
    """There is no task without a name."""
    await end_of(TRANSPORTS[transport](site.server(0).url, ""), End.BAD_REQUEST)


@pytest.mark.parametrize(
    "encoded", ["%ff", "%C3", "%ED%A0%80", "%zz", "%", "a%00b", "%0a", "%E2%80"]
)
async def test_a_path_that_decodes_to_nothing_is_refused_in_order(
    site: Site, transport: str, encoded: str
) -> None:
    """Whatever bytes stand in the path, the answer is one of the protocol's, never a 500."""
    client = TRANSPORTS[transport](site.server(0).url, "", encoded_id=encoded)
    async with client:
        ended = await client.ended()
    assert ended.reason in {End.BAD_REQUEST, End.FORBIDDEN}
    assert ended.code == CODES[ended.reason][transport]


@FIXTURES_ARE_SHARED
@given(task_id=strategies.text(max_size=300))
async def test_any_string_is_an_id_or_is_refused(site: Site, task_id: str) -> None:
    """Without a token a good id is forbidden and a bad one malformed; nothing else happens."""
    control = any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 for each in task_id)
    good = 1 <= len(task_id) <= 255 and not control
    for client_class in TRANSPORTS.values():
        client = client_class(site.server(0).url, task_id)
        await end_of(client, End.FORBIDDEN if good else End.BAD_REQUEST)
