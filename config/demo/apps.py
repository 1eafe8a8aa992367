"""The demo as a Django app."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["DemoConfig"]


class DemoConfig(AppConfig):
    """A page, a job, and three ways to watch it."""

    name = "config.demo"
    label = "demo"
    verbose_name = "Demo"
