"""What is told of an exception: its text, or what the project makes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.utils.module_loading import import_string

from taskstatus.conf import settings
from taskstatus.messages import text

__all__ = ["as_written", "error_text"]

logger = logging.getLogger(__name__)

Filter = Callable[[BaseException, str], str]


def as_written(exception: BaseException, task_id: str) -> str:
    """The default filter: ``str(exception)``, for everybody who may read the task."""
    del task_id
    return text(exception)


def error_text(exception: BaseException, task_id: str) -> str:
    """Return what the filter that the settings name makes of an exception, fit for the wire.

    What a filter that fails was to hide stays hidden: then only the exception's class is named.
    Never raises.
    """
    try:
        shown = _filter()(exception, task_id)
        if not isinstance(shown, str):
            raise TypeError(f"it returned {type(shown).__name__}, not str")  # noqa: TRY301 - one way out
    except Exception as failure:  # noqa: BLE001 - a project's own code; a traceback may hold the secret
        reason = type(failure).__name__
        logger.error("TASKSTATUS_ERROR_FILTER failed (%s) for task %s", reason, task_id)  # noqa: TRY400
        shown = type(exception).__name__
    return text(shown)


def _filter() -> Filter:
    def load() -> Filter:
        found: Filter = import_string(settings.ERROR_FILTER)
        return found

    return settings.keep("error_filter", load)
