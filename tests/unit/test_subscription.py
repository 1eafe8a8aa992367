"""One reader's mailbox: what is put in comes out, or the reader is told to read the log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from taskstatus import subscription
from taskstatus.clock import get_clock
from taskstatus.messages import Message
from taskstatus.subscription import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable

UNIT = 0.02


def progress(version: int, prev: int | None = None, state: str = "PROGRESS") -> Message:
    """Return an interim status."""
    return Message("status", state, version, version - 1 if prev is None else prev, "{}")


def line(version: int, json: str = "{}") -> Message:
    """Return a line of the log."""
    return Message("log", "", version, version - 1, json)


def put(*messages: Message) -> Subscription:
    """Return a mailbox with these messages."""
    mailbox = Subscription()
    for message in messages:
        mailbox.put(message)
    return mailbox


def outline(mailbox: Subscription) -> list[tuple[int, int]]:
    """Take what is there; return each version with the one before it."""
    return [(message.version, message.prev) for message in mailbox.take()]


def test_messages_come_out_as_they_went_in() -> None:
    """Once, and in order."""
    mailbox = put(line(1), progress(2), line(3), progress(4))
    assert outline(mailbox) == [(1, 0), (2, 1), (3, 2), (4, 3)]
    assert outline(mailbox) == []


def test_newer_interim_state_takes_the_place_of_the_older() -> None:
    """It then follows what the older one followed, so that no gap is seen."""
    assert outline(put(line(1), progress(2), progress(3), progress(4))) == [(1, 0), (4, 1)]


def test_gap_before_a_newer_interim_state_stays_visible() -> None:
    """When something between the two was lost, the newer one shows that."""
    assert outline(put(progress(2), progress(5, prev=4))) == [(5, 4)]


def test_latecomer_that_the_reader_has_dealt_with_is_not_put() -> None:
    """The layer brought it after the snapshot that holds it; at the end it would look newest."""
    mailbox = Subscription()
    mailbox.newest = 3
    for version in (4, 3, 2):
        mailbox.put(line(version))
    assert not mailbox.lacks(4)
    assert outline(mailbox) == [(4, 3)]


def test_overtaken_interim_state_does_not_come_back() -> None:
    """A layer that swaps two messages can't make the older one the newest."""
    mailbox = put(line(1), progress(3), progress(2))
    assert outline(mailbox) == [(1, 0), (3, 2)]
    mailbox.newest = 1
    assert mailbox.lacks(3)


@pytest.mark.parametrize(
    "messages",
    [
        [progress(1), progress(2, state="PARSING")],
        [progress(1), line(2), progress(3)],
        [line(1), line(2)],
        [progress(1, state="STARTED"), progress(2, state="STARTED")],
        [progress(1, state="RETRY"), progress(2, state="RETRY")],
    ],
)
def test_nothing_else_is_conflated(messages: list[Message]) -> None:
    """Changes of state, lines and everything between them stay."""
    assert len(put(*messages).take()) == len(messages)


def test_overflow_is_dropped_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is in the log, and the reader knows that it has to look there."""
    monkeypatch.setattr(subscription, "MAX_SIZE", 100)
    mailbox = put(*[line(version, "x" * 10) for version in range(1, 11)])
    assert not mailbox.behind
    mailbox.put(line(11, "x"))
    assert mailbox.behind
    assert mailbox.take() == []
    mailbox.put(line(12, "x" * 100))
    assert outline(mailbox) == [(12, 11)]


def test_conflated_messages_take_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million interim states fill a mailbox no more than one."""
    monkeypatch.setattr(subscription, "MAX_SIZE", 10)
    mailbox = put(*[progress(version) for version in range(1, 101)])
    assert not mailbox.behind
    assert outline(mailbox) == [(100, 0)]


def test_mailbox_knows_what_its_reader_lacks() -> None:
    """What was dealt with, or waits here, is not lacking; an unknown task always is."""
    mailbox = Subscription()
    assert mailbox.lacks(5)
    assert mailbox.lacks(0)
    mailbox.newest = 5
    assert not mailbox.lacks(5)
    assert mailbox.lacks(6)
    mailbox.put(line(6))
    assert not mailbox.lacks(6)
    assert mailbox.lacks(0)


async def test_wait_returns_at_once_when_there_is_something() -> None:
    """A message, a poke, or the end of the process."""
    acts: list[Callable[[Subscription], None]] = [
        lambda mailbox: mailbox.put(line(1)),
        Subscription.poke,
        Subscription.close,
    ]
    for act in acts:
        mailbox = Subscription()
        assert await mailbox.wait(0) is False
        act(mailbox)
        assert await mailbox.wait(0) is True
        mailbox = Subscription()
        waiting = asyncio.ensure_future(mailbox.wait(1_000 * UNIT))
        await asyncio.sleep(0)
        act(mailbox)
        assert await waiting is True


async def test_wait_ends_when_its_time_is_over() -> None:
    """Nothing came."""
    async with asyncio.timeout(50 * UNIT):
        assert await Subscription().wait(UNIT) is False


async def test_long_wait_takes_a_timer_that_others_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends all the same, by a message, by being cancelled, or when it is over."""
    monkeypatch.setattr(subscription, "LONG_SECONDS", UNIT)
    mailbox = Subscription()
    async with asyncio.timeout(5):
        assert await mailbox.wait(2 * UNIT) is False
    for cancelled in (True, False):
        mailbox = Subscription()
        waiting = asyncio.ensure_future(mailbox.wait(1_000))
        await asyncio.sleep(0)
        assert len(get_clock()) == 1
        if cancelled:
            waiting.cancel()
        else:
            mailbox.put(line(1))
        await asyncio.wait([waiting])
        assert len(get_clock()) == 0


async def test_cancelled_wait_leaves_the_mailbox_in_order() -> None:
    """What comes afterwards waits for the next one."""
    mailbox = Subscription()
    waiting = asyncio.ensure_future(mailbox.wait(1_000 * UNIT))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    mailbox.put(line(1))
    assert await mailbox.wait(0) is True


async def test_waiting_reader_is_handed_messages_directly() -> None:
    """What is taken directly does not wake the reader; what is not, does."""
    taken: list[int] = []
    mailbox = Subscription()
    mailbox.direct = lambda message: message.kind == "log" and not taken.append(message.version)  # type: ignore[func-returns-value]
    mailbox.put(line(1))
    assert taken == []
    assert outline(mailbox) == [(1, 0)]
    waiting = asyncio.ensure_future(mailbox.wait(1_000 * UNIT))
    await asyncio.sleep(0)
    mailbox.put(line(2))
    mailbox.put(progress(3))
    mailbox.put(line(4))
    assert await waiting is True
    assert taken == [2]
    assert outline(mailbox) == [(3, 2), (4, 3)]


async def test_reader_that_is_behind_is_handed_nothing_directly() -> None:
    """It has to read the log first, or the order would be lost."""
    taken: list[Message] = []
    mailbox = Subscription()
    mailbox.direct = lambda message: not taken.append(message)  # type: ignore[func-returns-value]
    waiting = asyncio.ensure_future(mailbox.wait(1_000 * UNIT))
    await asyncio.sleep(0)
    mailbox.poke()
    mailbox.put(line(5))
    assert await waiting is True
    assert taken == []
