"""What the tasks of these tests have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import celery

__all__ = ["FOREVER", "Bound"]

if TYPE_CHECKING:
    #: A task as its own body sees it.
    Bound = celery.Task[Any, Any]
else:
    Bound = celery.Task

#: Seconds: longer than any test waits.
FOREVER = 60
