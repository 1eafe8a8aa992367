"""A message is the same bytes on every transport, from every process, live or late."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.harness.clients import TRANSPORTS
from tests.harness.steps import (
    error,
    failure,
    log,
    pending,
    progress,
    received,
    retry,
    started,
    success,
)

if TYPE_CHECKING:
    from tests.harness.site import Site
    from tests.harness.steps import Step

LIFE = [
    *(received(), started(), progress(1, 3, 'Größe 🎉 \u2028 "quoted" \\ </script>')),
    *(log("line\nwith\tall \x00 sorts é"), retry(error("OSError", "é")), started(), progress(2.5)),
    *(log("x", level="error"), success({"ключ": ["значение", 1.5, None, True, "\u0000\u2029"]})),
]


async def test_every_message_is_the_same_bytes_everywhere(site: Site) -> None:
    """Six clients, on each transport and each process, compared byte by byte."""
    task = await site.task(pending())
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                task.follow(transport, server=index, types="status,log")
            )
            for transport in TRANSPORTS
            for index in (0, 1)
        ]
        told = [{(await client.next()).raw for client in clients}]
        for step in LIFE:
            await task.play(step)
            told.append({(await client.next()).raw for client in clients})
    assert [len(versions) for versions in told] == [1] * (1 + len(LIFE)), told


@pytest.mark.parametrize("step", LIFE, ids=[step.op for step in LIFE])
async def test_a_snapshot_is_the_same_bytes_as_the_live_message(site: Site, step: Step) -> None:
    """Who comes late reads what those who were there have read, the view's callers too."""
    before = LIFE[: LIFE.index(step)]
    task = await site.task(pending(), *before)
    async with task.follow("websocket", server=0) as client:
        live = await client.next()
        await task.play(step)
        if step.state is not None:
            live = await client.next()
    late = set()
    for transport in TRANSPORTS:
        async with task.follow(transport) as client:
            late.add((await client.next()).raw)
    late.add((await task.snapshot()).content)
    assert late == {live.raw}


async def test_a_replayed_message_is_the_same_bytes_as_the_live_one(site: Site) -> None:
    """What a client missed reads as it would have read live."""
    life = [step for step in LIFE if step.state != "PROGRESS"]
    task = await site.task(pending())
    async with task.follow("websocket", types="status,log") as client:
        cursor = (await client.next()).cursor
        await task.play(*life)
        live = [message.raw for message in (await client.collect())[1:]]
    for transport in TRANSPORTS:
        async with task.follow(transport, types="status,log", after=cursor) as client:
            assert [message.raw for message in await client.collect()] == live


async def test_messages_are_utf8_json_on_one_line(site: Site, transport: str) -> None:
    """A frame, a data line and a member of an answer hold one JSON text each, without breaks."""
    task = await site.task(pending())
    async with task.follow(transport, types="status,log") as client:
        await client.next()
        await task.play(*LIFE[:-1], failure(error("ValueError", "\r\ndata: x\nid: 9\n\n\u0085")))
        messages = await client.collect()
    assert messages[-1]["error"] == "\r\ndata: x\nid: 9\n\n\u0085"
    for message in messages:
        assert b"\n" not in message.raw
        assert b"\r" not in message.raw
        assert message.raw.decode("utf-8")
