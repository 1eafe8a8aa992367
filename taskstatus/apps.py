"""The Django app: listens to Celery from every process that loads it."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings

__all__ = ["TaskStatusConfig"]

OWNER_MIDDLEWARE = "taskstatus.owner.OwnerMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"


class TaskStatusConfig(AppConfig):
    """Connects to Celery's signals; a project needs no more than the app in INSTALLED_APPS."""

    name = "taskstatus"
    verbose_name = "Task status"

    def ready(self) -> None:
        """Connect once the apps are loaded."""
        from taskstatus import checks, receivers

        checks.register()
        receivers.connect()
        # So that tasks have an owner without a further line in the project's settings; by hand,
        # it may stand anywhere after AuthenticationMiddleware.
        middleware = list(settings.MIDDLEWARE)
        if AUTHENTICATION in middleware and OWNER_MIDDLEWARE not in middleware:
            settings.MIDDLEWARE = [*middleware, OWNER_MIDDLEWARE]
