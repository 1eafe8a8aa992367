"""Stores in their moods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskstatus.exceptions import StoreUnavailable
from taskstatus.stores.memory import MemoryStore

if TYPE_CHECKING:
    from taskstatus.changes import Change
    from taskstatus.messages import Message
    from taskstatus.testing import TaskDriver

__all__ = ["ForgetfulStore", "MoodyStore", "kept"]


class MoodyStore(MemoryStore):
    """A store that raises what it is told to."""

    raises: BaseException | None = None
    tried = 0

    def record(
        self, change: Change, *, key: str = "", group: str = "", envelope: bytes = b""
    ) -> Message | None:
        """Record, or raise."""
        self.tried += 1
        if self.raises is not None:
            raise self.raises
        return super().record(change, key=key, group=group, envelope=envelope)


class ForgetfulStore(MoodyStore):
    """A store that takes a change, and whose answer is lost."""

    loses = 0

    def record(
        self, change: Change, *, key: str = "", group: str = "", envelope: bytes = b""
    ) -> Message | None:
        """Record, and say nothing."""
        message = super().record(change, key=key, group=group, envelope=envelope)
        if self.loses:
            self.loses -= 1
            raise StoreUnavailable
        return message


def kept(store: MemoryStore, task: TaskDriver) -> list[str]:
    """Return the states and lines that the store has."""
    reading = store.read(task.task_id, 0)
    assert reading is not None
    return [message.state or message.kind for message in reading.messages]
