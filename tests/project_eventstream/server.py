"""A real Daphne of this project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.harness.environment import Environment
from tests.harness.servers import start_daphne

if TYPE_CHECKING:
    from tests.harness.processes import Processes
    from tests.harness.servers import Server

__all__ = ["start_eventstream_daphne"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventstreamEnvironment(Environment):
    """The environment of a server of ``tests.project_eventstream``."""

    grip_url: str = ""

    def variables(self) -> dict[str, str]:
        """Return the environment variables."""
        variables = Environment.variables(self)
        variables["DJANGO_SETTINGS_MODULE"] = "tests.project_eventstream.settings"
        if self.grip_url:
            variables["TASKSTATUS_TEST_GRIP_URL"] = self.grip_url
        return variables


def start_eventstream_daphne(
    processes: Processes, base: Environment, *, grip_url: str = ""
) -> Server:
    """Start Daphne on this project, in an environment that is otherwise the given one.

    It keeps more messages than django-eventstream reads at once.
    """
    environment = EventstreamEnvironment(
        layer=base.layer, redis_url=base.redis_url, database=base.database, grip_url=grip_url
    )
    return start_daphne(processes, environment.with_settings(MAX_EVENTS=300), name="eventstream")
