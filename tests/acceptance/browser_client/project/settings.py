"""The settings of the tests, with static files."""

from __future__ import annotations

from tests import settings as base
from tests.settings import *  # noqa: F403

INSTALLED_APPS = [*base.INSTALLED_APPS, "django.contrib.staticfiles"]
ROOT_URLCONF = "tests.acceptance.browser_client.project.urls"
STATIC_URL = "/static/"
