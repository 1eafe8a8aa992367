"""Reading tasks from Redis for a crowd: those who ask while an answer is awaited ask together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from taskstatus.cancellation import stop
from taskstatus.stores.pipe import Pipe, Script
from taskstatus.stores.versions import Versions

__all__ = ["TEXT", "Reads"]

TEXT = (files("taskstatus.stores") / "read.lua").read_text()
SCRIPT = Script(TEXT)

#: KEYS and ARGV of read.lua.
Question = tuple[str, str, int | str]


class Reads:
    """Runs read.lua, in one round trip at a time; whoever asks the same gets the same answer.

    An answer is never older than the question. Belongs to one event loop.
    """

    def __init__(self, pipe: Pipe, meaning: Callable[[Exception], Exception]) -> None:
        self.pipe = pipe
        self.versions = Versions(pipe)
        self._meaning = meaning
        self._asked: dict[Question, asyncio.Future[Any]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def read(self, question: Question) -> Any:
        """Return what read.lua answers. Cancel-safe. Raises what ``meaning`` makes of an error."""
        answer = self._asked.get(question)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = self._asked[question] = loop.create_future()
            # Whoever asked may have gone when an error comes.
            answer.add_done_callback(_look)
            if self._asking is None:
                self._asking = loop.create_task(self._ask())
        return await asyncio.shield(answer)

    async def aclose(self) -> None:
        """Close the connection; who still waits for an answer is cancelled."""
        # One that is cancelled before it has begun would not notice that it ends.
        await asyncio.sleep(0)
        if self._asking is not None:
            await stop(self._asking)
        await self.pipe.aclose()

    async def _ask(self) -> None:
        asked: dict[Question, asyncio.Future[Any]] = {}
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                for future, answer in zip(
                    asked.values(), await self._answers(list(asked)), strict=True
                ):
                    if isinstance(answer, Exception):
                        future.set_exception(self._meaning(answer))
                    else:
                        future.set_result(answer)
        finally:
            self._asking = None
            for future in (*asked.values(), *self._asked.values()):
                future.cancel()

    async def _answers(self, questions: list[Question]) -> list[Any]:
        calls = [((record, log), (str(since),)) for record, log, since in questions]
        try:
            return await SCRIPT.run(self.pipe, *calls)
        except Exception as exc:  # noqa: BLE001 - for those who have asked
            return [exc] * len(questions)


def _look(answer: asyncio.Future[Any]) -> None:
    if not answer.cancelled():
        answer.exception()
