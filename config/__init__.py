"""The deployable Django project, and the demo in it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
