"""A task that a test plays, and the page that shows it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from tests.harness.steps import Step

__all__ = ["ShownTask"]


@dataclass(slots=True)
class ShownTask:
    """Lives on a server of the site; what it goes through is stored when ``play`` returns."""

    server: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def play(self, *steps: Step) -> None:
        """Play steps of its life."""
        self._order(steps=[step.to_json() for step in steps], name="tests.driven", owner=None)

    def token(self, **options: float) -> str:
        """Return a token made with these arguments."""
        return str(self._order(token=options)["token"])

    def _order(self, **order: object) -> dict[str, object]:
        body = json.dumps({"task_id": self.id, **order}).encode()
        with urlopen(Request(f"{self.server}/drive/", body)) as answer:
            content: dict[str, object] = json.load(answer)
            return content
