"""The settings of the tests, with django-eventstream as docs/eventstream.md has it."""

from __future__ import annotations

import os

from tests import settings as base
from tests.settings import *  # noqa: F403

INSTALLED_APPS = [*base.INSTALLED_APPS, "django.contrib.staticfiles", "django_eventstream"]
MIDDLEWARE = ["django_grip.GripMiddleware", *base.MIDDLEWARE]
ROOT_URLCONF = "tests.project_eventstream.urls"
STATIC_URL = "/static/"

EVENTSTREAM_CHANNELMANAGER_CLASS = "tests.project_eventstream.streams.ChannelManager"
EVENTSTREAM_STORAGE_CLASS = "taskstatus.eventstream.storage.TaskStorage"

if "TASKSTATUS_TEST_GRIP_URL" in os.environ:
    GRIP_URL = os.environ["TASKSTATUS_TEST_GRIP_URL"]
