"""A meter of which everything that it publishes is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskstatus import meter
from tests.unit.meter.gauge import INTERVAL, Gauge, Published

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Published:
    """Return what the meter has published."""
    settings.TASKSTATUS_PROGRESS_INTERVAL_SECONDS = INTERVAL
    published = Published()
    monkeypatch.setattr(meter, "publish", published)
    return published


@pytest.fixture
def update(published: Published) -> Gauge:
    """Return what gives the meter a value."""
    return Gauge(published)
