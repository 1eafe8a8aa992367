"""How long one stream may live."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

import pytest

from taskstatus.access import Caller, admit, make_token
from taskstatus.deadline import JITTER, Deadline, access_seconds, stream_seconds
from taskstatus.testing import TaskDriver

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


def test_streams_end_about_when_the_setting_says(settings: Settings) -> None:
    """Not all at the same moment, so that not all clients come back at once."""
    settings.TASKSTATUS_MAX_STREAM_SECONDS = 100
    lives = {stream_seconds(Caller({})) for _ in range(200)}
    assert len(lives) > 100
    assert all(100 * (1 - JITTER) <= life <= 100 * (1 + JITTER) for life in lives)


def test_no_stream_outlives_its_token() -> None:
    """Access that ends sooner ends the stream sooner."""
    life = stream_seconds(Caller({}, expires=time.time() + 5))
    assert 4 < life <= 5


def test_access_that_is_over_leaves_no_time() -> None:
    """A deadline is never in the past."""
    assert stream_seconds(Caller({}, expires=time.time() - 5)) == 0


def test_access_that_lasts_longer_changes_nothing(settings: Settings) -> None:
    """A token of a day does not make a stream of a day."""
    settings.TASKSTATUS_MAX_STREAM_SECONDS = 100
    assert stream_seconds(Caller({}, expires=time.time() + 86_400)) <= 110


def test_access_is_measured_from_now() -> None:
    """Without an end it lasts for ever."""
    assert access_seconds(Caller({})) == math.inf
    assert 4 < access_seconds(Caller({}, expires=time.time() + 5)) <= 5
    assert access_seconds(Caller({}, expires=time.time() - 5)) == 0


class Policy:
    """Lets everybody in until told otherwise; counts how often it is asked."""

    def __init__(self) -> None:
        self.open = True
        self.asked = 0

    async def __call__(self, caller: Caller, task_id: str, action: str) -> bool:
        """Answer."""
        self.asked += 1
        return self.open


policy = Policy()


@pytest.fixture
def known(settings: Settings) -> str:
    """Return the id of a task that is known, under that policy."""
    policy.__init__()  # type: ignore[misc]
    settings.TASKSTATUS_ACCESS_POLICY = f"{__name__}.policy"
    task = TaskDriver()
    task.pending()
    return task.task_id


async def test_policy_is_asked_again_when_it_is_time(settings: Settings, known: str) -> None:
    """Not before, and then once; while it lets the reader in, the stream goes on."""
    settings.TASKSTATUS_RECHECK_SECONDS = 0.05
    deadline = Deadline(Caller({}), known)
    assert 0 < await deadline.left() <= 0.05
    assert policy.asked == 0
    while policy.asked < 2:  # noqa: ASYNC110 - it is asked in here
        await asyncio.sleep(await deadline.left())


@pytest.mark.parametrize("name", ["owner_or_token", "allow_any"])
async def test_policy_that_cannot_change_its_mind_is_not_asked_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A token lasts until it ends; so the stream need not wake up to look."""
    settings.TASKSTATUS_ACCESS_POLICY = f"taskstatus.access.{name}"
    settings.TASKSTATUS_RECHECK_SECONDS = 0.001
    task = TaskDriver()
    caller = await admit(Caller({}), task.task_id, [make_token(task.task_id, max_age=300)])
    monkeypatch.setattr("taskstatus.deadline.is_still_allowed", None)
    deadline = Deadline(caller, task.task_id)
    await asyncio.sleep(0.01)
    assert 200 < await deadline.left() < 700


async def test_stream_is_over_when_the_policy_says_no(settings: Settings, known: str) -> None:
    """And stays over."""
    settings.TASKSTATUS_RECHECK_SECONDS = 0.01
    deadline = Deadline(Caller({}), known)
    policy.open = False
    while await deadline.left():  # noqa: ASYNC110 - it has no notice to give
        await asyncio.sleep(0.005)
    asked = policy.asked
    policy.open = True
    assert await deadline.left() == 0
    assert policy.asked == asked
