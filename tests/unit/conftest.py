"""What holds for all tests of one process."""

from __future__ import annotations

import math

import pytest

from taskstatus import publisher


@pytest.fixture(autouse=True)
def never_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call no store slow because the machine is busy: what is told is told in line."""
    monkeypatch.setattr(publisher, "SLOW_SECONDS", math.inf)
    monkeypatch.setattr(publisher, "_slow_until", 0.0)
