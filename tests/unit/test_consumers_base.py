"""What the consumers share: whoever is stopped stops, and slow clients are told apart."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from taskstatus.access import make_token
from taskstatus.consumers import base
from taskstatus.consumers.base import admit, check_pressure, is_pressed, stop
from taskstatus.exceptions import SlowReader
from taskstatus.pressure import MAX_UNSENT_BYTES
from taskstatus.requests import StreamRequest

UNIT = 0.02


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody be waited for longer than a few units."""
    monkeypatch.setattr(base, "STOP_SECONDS", 10 * UNIT)


async def test_nothing_to_stop_is_no_mistake() -> None:
    """A connection may end before it has begun to follow."""
    await stop(None)
    done: asyncio.Task[None] = asyncio.create_task(asyncio.sleep(0))
    await done
    await stop(done)


async def test_running_task_is_stopped() -> None:
    """When stop() returns, it has ended."""
    task: asyncio.Task[None] = asyncio.create_task(asyncio.sleep(1_000 * UNIT))
    await asyncio.sleep(0)
    await stop(task)
    assert task.cancelled()


@pytest.mark.usefixtures("impatient")
async def test_lost_cancellation_is_repeated() -> None:
    """Before Python 3.12 ``asyncio.wait_for()`` forgets one now and then; so we ask again."""
    lost = 0

    async def forgetful() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(1_000 * UNIT)
            except asyncio.CancelledError:
                lost += 1
                if lost > 3:
                    raise

    task = asyncio.create_task(forgetful())
    await asyncio.sleep(0)
    await stop(task)
    assert task.cancelled()
    assert lost == 4


@pytest.mark.usefixtures("impatient")
async def test_task_that_will_not_end_is_left() -> None:
    """A server that stops waits for nobody for ever."""
    let_go = asyncio.Event()

    async def stubborn() -> None:
        while not let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await let_go.wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(50 * UNIT):
        await stop(task)
    assert not task.done()
    let_go.set()
    await task


@pytest.mark.parametrize(
    ("unsent", "pressed"),
    [(None, False), (0, False), (MAX_UNSENT_BYTES, False), (MAX_UNSENT_BYTES + 1, True)],
)
def test_client_that_leaves_too_much_unread_is_slow(unsent: int | None, *, pressed: bool) -> None:
    """Where the server does not say, it sees to it itself."""
    scope: dict[str, Any] = {} if unsent is None else {"taskstatus.unsent": lambda: unsent}
    assert is_pressed(scope) is pressed
    if pressed:
        with pytest.raises(SlowReader):
            check_pressure(scope)
    else:
        check_pressure(scope)


async def test_only_who_may_read_is_admitted() -> None:
    """With what is known of the caller from then on."""
    request = StreamRequest(
        task_id="an id",
        after=None,
        types=frozenset({"status"}),
        token=make_token("an id"),
        wait=0,
        heartbeat=False,
    )
    caller = await admit({}, request)
    assert caller is not None
    assert caller.expires is not None
    other = StreamRequest(
        task_id="another",
        after=None,
        types=request.types,
        token=request.token,
        wait=0,
        heartbeat=False,
    )
    assert await admit({}, other) is None
