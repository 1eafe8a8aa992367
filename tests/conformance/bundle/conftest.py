"""Where several tasks are followed over one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness.environment import Layer


@pytest.fixture
def layer() -> Layer:
    """Return the one layer on which these run; they differ in nothing that a layer does."""
    return "pubsub"
