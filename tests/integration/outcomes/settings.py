"""The settings of the test project, with one view more."""

from __future__ import annotations

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.integration.outcomes.urls"
