"""What all transports have told of one task, from PENDING to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.harness.clients import states_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.harness.clients import Message

__all__ = ["Story"]


class Story:
    """The statuses that were told, the same on every transport but for what may be left out.

    Of several statuses in one interim state (PROGRESS, or one of the task's own) only the last
    is sure to be told; each other status is the same bytes everywhere.
    """

    def __init__(self, told: Mapping[str, Sequence[Message]]) -> None:
        self.told = {
            transport: last_of_each_state(messages) for transport, messages in told.items()
        }
        self.statuses = self.told["websocket"]
        for transport, statuses in self.told.items():
            heard = [status.raw for status in statuses]
            assert heard == [status.raw for status in self.statuses], (
                f"{transport} tells {states_of(statuses)}, websocket {self.states}"
            )

    @property
    def states(self) -> list[str]:
        """The states in order, each run of the same state told once."""
        return states_of(self.statuses)

    @property
    def last(self) -> Message:
        """The terminal status."""
        return self.statuses[-1]

    def fields(self, *names: str) -> tuple[Any, ...]:
        """Return these fields of the terminal status."""
        return tuple(self.last[name] for name in names)

    def every(self, state: str) -> list[Message]:
        """Return the statuses in this state, in order."""
        return [status for status in self.statuses if status.state == state]

    def only(self, state: str) -> Message:
        """Return the one status in this state."""
        (status,) = self.every(state)
        return status


def last_of_each_state(messages: Sequence[Message]) -> list[Message]:
    """Return the last of each run of statuses in the same state."""
    followers = [*(message.state for message in messages[1:]), None]
    return [
        message
        for message, follower in zip(messages, followers, strict=True)
        if message.state != follower
    ]
