"""Follows one task on all three transports at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.harness.clients import TRANSPORTS, End, states_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.harness.clients import Ended, Message

    #: The fixture ``follow_everywhere``.
    Follow = Callable[..., Coroutine[None, None, "dict[str, Following]"]]

__all__ = ["Follow", "Following", "follow_everywhere"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What one client saw of a task, to its end."""

    messages: list[Message]
    end: Ended

    @property
    def states(self) -> list[str]:
        """The states in order, each run of the same one once."""
        return states_of(self.messages)

    @property
    def last(self) -> Message:
        """The last status."""
        return [message for message in self.messages if message.type == "status"][-1]


async def follow_everywhere(
    base_url: str,
    task_id: str,
    token: str,
    *,
    types: str | None = None,
    timeout: float = 60,  # noqa: ASYNC109
    ready: asyncio.Event | None = None,
) -> dict[str, Following]:
    """Return what a client on each transport saw, once all of them have come to the end.

    ``ready`` is set as soon as each client has its first message, or its end: whatever happens
    to the task from then on, all of them see.
    """
    first = {transport: asyncio.Event() for transport in TRANSPORTS}

    async def follow(transport: str) -> Following:
        client = TRANSPORTS[transport](base_url, task_id, token=token, types=types)
        async with client:
            try:
                if types is None or "status" in types:
                    await client.next(timeout)
            finally:
                first[transport].set()
            messages = await client.collect(timeout)
        assert client.end is not None
        assert client.end.reason is End.TERMINAL, f"{transport}: {client.end}"
        return Following(messages=messages, end=client.end)

    async def announce() -> None:
        await asyncio.gather(*(event.wait() for event in first.values()))
        if ready is not None:
            ready.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(announce())
        followers = {transport: group.create_task(follow(transport)) for transport in TRANSPORTS}
    return {transport: follower.result() for transport, follower in followers.items()}
