"""The strands of one request: admitted and opened side by side, over when all are over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from functools import partial
from typing import Any

from taskstatus.access import Caller
from taskstatus.consumers.pumps import Pumps
from taskstatus.consumers.strand import Strand
from taskstatus.exceptions import Forbidden, UnknownTask
from taskstatus.limits import Counted
from taskstatus.messages import Message
from taskstatus.position import NOTHING, REFUSED, Position
from taskstatus.problems import Problem, problem_of
from taskstatus.requests import BundleRequest

__all__ = ["OPENING", "Bundle", "Item", "open_bundle"]

#: How many tasks of one connection are being opened at the same time. Where the channel layer does
#: not deliver, each has to find that out, which takes a second.
OPENING = 50


class Item:
    """A task of a bundle, and what the client is to be told of it next."""

    def __init__(self, index: int, strand: Strand, *, told: bool) -> None:
        self.index = index
        self.strand = strand
        #: What has come of it and is not told yet.
        self.messages: list[Message] = []
        #: Why it is refused, and whether the client knows.
        self.problem: Problem | None = None
        self.told = told

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.strand.task_id

    @property
    def refused(self) -> bool:
        """Whether it is not followed, and will not be."""
        return self.told or self.problem is not None

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.refused or self.strand.ended

    @property
    def news(self) -> bool:
        """Whether there is something to tell."""
        return bool(self.messages) or self.problem is not None


class Bundle:
    """The tasks that one request names, in its order. Made by ``open_bundle()``."""

    def __init__(self, scope: dict[str, Any], request: BundleRequest) -> None:
        self.caller = Caller(scope)
        self.position = Position(request.places)
        self.items: list[Item] = []
        self._tokens = request.tokens
        gate = asyncio.Semaphore(OPENING)
        for task_id, place in zip(request.tasks, request.places, strict=True):
            after = place if place > NOTHING else None
            strand = Strand(task_id, after=after, types=request.types, gate=gate)
            self.items.append(Item(len(self.items), strand, told=place == REFUSED))

    @property
    def over(self) -> bool:
        """Whether nothing more will come of any task."""
        return all(item.over for item in self.items)

    @property
    def news(self) -> bool:
        """Whether there is something to tell of any task."""
        return any(item.news for item in self.items)

    @property
    def refusal(self) -> Problem | None:
        """The answer to a request of which each task is refused, None for any other."""
        if not all(item.refused for item in self.items):
            return None
        return next((item.problem for item in self.items if item.problem is not None), None)

    async def admit(self) -> Caller | None:
        """Find out what the caller may read; return it as it was let in first, if it was."""
        callers: dict[int, Caller] = {}

        async def admit(item: Item) -> None:
            # Most clients have a token for each task, in the same order.
            first = item.index % (len(self._tokens) or 1)
            tokens = (*self._tokens[first:], *self._tokens[:first])
            callers[item.index] = await item.strand.admit(self.caller, tokens)

        await self._each(admit, (item for item in self.items if not item.refused))
        return callers[min(callers)] if callers else None

    async def open(self, seconds: float | None = None) -> None:
        """Open all that may be read; what each brings at once is in its ``messages``.

        A task that the client has seen and the store has lost is looked for later, by find(): not
        all the others wait for it. Where it is alone, it is waited for, so long at most.
        """
        await self._each(self._open, (item for item in self.items if not item.refused))
        if not any(item.strand.feed for item in self.items):
            missing = [item for item in self.items if not item.refused]
            await self._each(partial(self.find, seconds=seconds), missing)

    async def _open(self, item: Item) -> None:
        try:
            item.messages = await item.strand.open()
        except UnknownTask:
            if item.strand.after is None:
                raise

    async def find(self, item: Item, *, seconds: float | None = None) -> None:
        """Open a task if that has not been done yet; UnknownTask becomes its problem."""
        if item.strand.feed is None:
            with _noting(item):
                item.messages = await item.strand.find(seconds)

    async def _each(
        self, work: Callable[[Item], Coroutine[Any, Any, None]], items: Iterable[Item]
    ) -> None:
        async def do(item: Item) -> None:
            with _noting(item):
                await work(item)

        async with Pumps() as pumps:
            for item in items:
                pumps.start(do(item))
            await pumps.join()

    async def close(self) -> None:
        """Give back whatever is still held."""
        for item in self.items:
            await item.strand.close()


@contextlib.contextmanager
def _noting(item: Item) -> Iterator[None]:
    """Keep an error that concerns one task alone as its problem."""
    try:
        yield
    except (Forbidden, UnknownTask) as error:
        item.problem = problem_of(error)


@contextlib.asynccontextmanager
async def open_bundle(
    scope: dict[str, Any], request: BundleRequest, *, wait: float | None = None
) -> AsyncIterator[Bundle]:
    """Open the feeds of all the tasks that a request names; leaving gives everything back.

    Raises TooManyConnections and StoreUnavailable, which concern all of them. See ``open_feed()``
    for ``wait``.
    """
    bundle = Bundle(scope, request)
    caller = await bundle.admit()
    with Counted(caller) if caller is not None else contextlib.nullcontext():
        try:
            await bundle.open(wait)
            yield bundle
        finally:
            await bundle.close()
