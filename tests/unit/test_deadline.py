"""How long one stream may live."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from taskstatus.access import Caller
from taskstatus.deadline import JITTER, access_seconds, stream_seconds

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
