"""``manage.py check``: wrong settings are told before the first request meets them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction
from django.core import checks
from django.utils.module_loading import import_string

from taskstatus.conf import PREFIX, settings
from taskstatus.exceptions import SettingError
from taskstatus.installation import check_installation, check_store_answers
from taskstatus.stores import get_store

__all__ = ["check_settings", "register"]

NUMBERS = (
    "RETENTION_SECONDS",
    "RECONCILE_SECONDS",
    "STALLED_AFTER_SECONDS",
    "KEEPALIVE_SECONDS",
    "MAX_STREAM_SECONDS",
    "RECHECK_SECONDS",
    "TOKEN_MAX_AGE_SECONDS",
    "PROGRESS_INTERVAL_SECONDS",
)
WHOLE_NUMBERS = ("MAX_EVENTS", "MAX_RESULT_BYTES", "MAX_CONNECTIONS_PER_CLIENT")
MAY_BE_ZERO = {"PROGRESS_INTERVAL_SECONDS"}


def register() -> None:
    """Register the checks with Django."""
    checks.register(check_settings, "taskstatus")
    checks.register(check_installation, "taskstatus")
    checks.register(check_store_answers, "taskstatus", deploy=True)


def check_settings(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Return an error for each setting with a wrong value."""
    del app_configs, kwargs
    return [
        *_check_numbers(),
        *_check_store(),
        *_check_policy(),
        *_check_filter(),
        *_check_origins(),
        *_check_collector(),
    ]


def _check_numbers() -> Iterator[checks.CheckMessage]:
    for name in (*NUMBERS, *WHOLE_NUMBERS):
        value = getattr(settings, name)
        kinds = int if name in WHOLE_NUMBERS else int | float
        least = 0 if name in MAY_BE_ZERO else 1e-9
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value < inf:
            what = "whole number" if name in WHOLE_NUMBERS else "number of seconds"
            yield checks.Error(
                f"{PREFIX}{name} must be a positive {what}, not {value!r}.", id="taskstatus.E001"
            )


def _check_store() -> Iterator[checks.CheckMessage]:
    try:
        get_store()
    except (SettingError, ValueError, AttributeError) as error:
        yield checks.Error(
            str(error),
            hint='For instance TASKSTATUS_STORE_URL = "redis://localhost:6379/2".',
            id="taskstatus.E002",
        )


def _check_policy() -> Iterator[checks.CheckMessage]:
    try:
        policy = import_string(settings.ACCESS_POLICY)
    except (ImportError, AttributeError, TypeError) as error:
        policy, reason = None, str(error)
    else:
        reason = "it is not an async function"
    if not iscoroutinefunction(policy) and not iscoroutinefunction(type(policy).__call__):
        yield checks.Error(
            f"TASKSTATUS_ACCESS_POLICY names no policy: {reason}.",
            hint="It takes the dotted path of an async function (caller, task_id, action) -> bool.",
            id="taskstatus.E003",
        )


def _check_filter() -> Iterator[checks.CheckMessage]:
    try:
        found = import_string(settings.ERROR_FILTER)
    except (ImportError, AttributeError, TypeError) as error:
        found, reason = None, str(error)
    else:
        reason = "it is no plain function"
    if not callable(found) or iscoroutinefunction(found):
        yield checks.Error(
            f"TASKSTATUS_ERROR_FILTER names no filter: {reason}.",
            hint="It takes the dotted path of a function (exception, task_id) -> str.",
            id="taskstatus.E005",
        )


def _check_origins() -> Iterator[checks.CheckMessage]:
    origins: object = settings.ALLOWED_ORIGINS
    if isinstance(origins, str) or not isinstance(origins, Sequence):
        yield checks.Error(
            "TASKSTATUS_ALLOWED_ORIGINS must be a list of origins.", id="taskstatus.E004"
        )
        return
    for origin in origins:
        parts = urlsplit(origin) if isinstance(origin, str) else None
        if parts is None or f"{parts.scheme}://{parts.netloc}" != origin or not parts.netloc:
            yield checks.Error(
                f"{origin!r} in TASKSTATUS_ALLOWED_ORIGINS is no origin.",
                hint='An origin is written as "https://example.org", without a path.',
                id="taskstatus.E004",
            )


def _check_collector() -> Iterator[checks.CheckMessage]:
    tune: object = settings.TUNE_COLLECTOR
    if not isinstance(tune, bool):
        yield checks.Error(
            f"TASKSTATUS_TUNE_COLLECTOR must be True or False, not {tune!r}.", id="taskstatus.E006"
        )
