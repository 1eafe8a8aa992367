"""The ASGI application, wrapped the way a user of the app does it."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from taskstatus.routing import with_taskstatus

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

application = with_taskstatus(get_asgi_application())
