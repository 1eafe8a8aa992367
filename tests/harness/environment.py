"""What a server or a worker of the test project is told through its environment."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Environment", "Layer"]

Layer = Literal["pubsub", "core", "memory"]

#: Small enough that a test can wait for it, large enough for two slow cores.
SETTINGS = {"RECONCILE_SECONDS": 1, "KEEPALIVE_SECONDS": 0.5, "MAX_EVENTS": 50}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One configuration of ``tests.settings``."""

    layer: Layer
    redis_url: str
    database: Path
    #: ``TASKSTATUS_…`` settings, without the prefix.
    settings: dict[str, Any] = field(default_factory=lambda: dict(SETTINGS))
    #: Celery settings, in lower case.
    celery: dict[str, Any] = field(default_factory=dict)
    layer_prefix: str = "asgi"
    queue: str = "tests"

    def with_settings(self, **settings: Any) -> Environment:
        """Return a copy in which these ``TASKSTATUS_…`` settings are different."""
        return replace(self, settings={**self.settings, **settings})

    def variables(self) -> dict[str, str]:
        """Return the environment variables."""
        return {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "REDIS_URL": self.redis_url,
            "TASKSTATUS_TEST_LAYER": self.layer,
            "TASKSTATUS_TEST_LAYER_PREFIX": self.layer_prefix,
            "TASKSTATUS_TEST_DB": str(self.database),
            "TASKSTATUS_TEST_SETTINGS": json.dumps(self.settings),
            "TASKSTATUS_TEST_CELERY": json.dumps(self.celery),
            "TASKSTATUS_TEST_QUEUE": self.queue,
        }
