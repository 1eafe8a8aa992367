"""The ASGI application: the task streams, the static files, and Django for the rest."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

# The models must be loaded before anything that uses them is imported.
from config.demo.cuts import CuttableStreams  # noqa: E402
from taskstatus.routing import with_taskstatus  # noqa: E402

__all__ = ["application"]

# Raises when there is no key: better here than at somebody's first request.
_ = settings.SECRET_KEY

application = CuttableStreams(with_taskstatus(ASGIStaticFilesHandler(django_application)))
