"""Watches one task on all three transports while a test does something about it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Self

from tests.harness.clients import TRANSPORTS, Client, End, StreamEnded
from tests.integration.outcomes.story import Story

__all__ = ["Watch"]

#: No task of these tests takes longer to say its next word.
SILENCE_SECONDS = 20


class Watch:
    """A client on each transport; an async context manager."""

    def __init__(self, base_url: str, task_id: str, **options: Any) -> None:
        self.task_id = task_id
        #: The queue that the task lies in.
        self.queue = ""
        self._clients = {
            transport: client(base_url, task_id, **options)
            for transport, client in TRANSPORTS.items()
        }
        self._news = asyncio.Condition()
        self._readers: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for client in self._clients.values():
            await self._stack.enter_async_context(client)
            self._readers.append(asyncio.create_task(self._read(client)))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        await self._stack.aclose()

    async def seen(self, state: str) -> None:
        """Wait until every client has been told of a state."""
        await self._until(lambda client: state in client.states, state)

    async def story(self) -> Story:
        """Return what was told, once every client has come to the end."""
        await self._until(lambda client: client.end is not None, "the end")
        for client in self._clients.values():
            assert client.end is not None
            assert client.end.reason is End.TERMINAL, f"{client.transport}: {client.end}"
        return Story({name: client.messages for name, client in self._clients.items()})

    async def _until(self, predicate: Any, what: str) -> None:
        def done() -> bool:
            for reader in self._readers:
                if reader.done():
                    reader.result()
            return all(predicate(client) for client in self._clients.values())

        try:
            async with asyncio.timeout(SILENCE_SECONDS), self._news:
                await self._news.wait_for(done)
        except TimeoutError:
            seen = {name: client.states for name, client in self._clients.items()}
            raise AssertionError(f"waited for {what}, saw {seen}") from None

    async def _read(self, client: Client) -> None:
        try:
            while True:
                await client.next(SILENCE_SECONDS)
                await self._tell()
        except StreamEnded:
            pass
        finally:
            await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()
