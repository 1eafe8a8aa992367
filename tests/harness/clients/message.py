"""One message as a client gets it: the bytes, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tests.harness.clients import strict_json
from tests.harness.clients.schema import validator

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Message", "states_of"]

_check = validator("message.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of a task's stream."""

    raw: bytes
    data: dict[str, Any]

    @classmethod
    def from_json(cls, text: str) -> Message:
        """Return the message that a JSON text is. Raises ValueError for what the schema forbids."""
        data = strict_json.loads(text)
        if not isinstance(data, dict):
            raise ValueError(f"a message is an object, not {text[:80]!r}")  # noqa: TRY004
        _check(data)
        return cls(raw=text.encode(), data=data)

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    @property
    def type(self) -> str:
        """``status``, ``log``, ``heartbeat``, or what later versions add."""
        return str(self.data["type"])

    @property
    def version(self) -> int | None:
        """The version, or None for a message that has no place in the stream (a heartbeat)."""
        version: int | None = self.data.get("version")
        return version

    @property
    def cursor(self) -> str:
        """The cursor."""
        return str(self.data["cursor"])

    @property
    def state(self) -> str | None:
        """The state, or None for a message that is not a status."""
        return str(self.data["state"]) if self.type == "status" else None

    @property
    def ready(self) -> bool:
        """Whether this is the status that ends the stream."""
        return self.type == "status" and self.data["ready"] is True

    @property
    def reset(self) -> bool:
        """Whether this snapshot answers a cursor that could not be resumed from."""
        return "reset" in self.data


def states_of(messages: Sequence[Message]) -> list[str]:
    """Return the states in order, each run of the same one once."""
    states = (message.state for message in messages)
    return [state for state, _ in groupby(state for state in states if state is not None)]
