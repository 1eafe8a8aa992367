"""Reading tasks from Redis for a crowd: those who ask while an answer is awaited ask together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha1
from importlib.resources import files
from itertools import chain
from typing import Any

from taskstatus.cancellation import stop
from taskstatus.resp import Refusal, pack
from taskstatus.stores.pipe import Pipe

__all__ = ["TEXT", "Reads"]

TEXT = (files("taskstatus.stores") / "read.lua").read_text()
HASH = sha1(TEXT.encode()).hexdigest()  # noqa: S324 - Redis's name for it, not a secret

#: How Redis refuses to run a script that it does not know.
UNKNOWN = "NOSCRIPT"
#: KEYS and ARGV of read.lua.
Question = tuple[str, str, int | str]


class Reads:
    """Runs read.lua, in one round trip at a time; whoever asks the same gets the same answer.

    An answer is never older than the question. Belongs to one event loop.
    """

    def __init__(self, pipe: Pipe, meaning: Callable[[Exception], Exception]) -> None:
        self.pipe = pipe
        self._meaning = meaning
        #: Those who wait for the answer to each question.
        self._asked: dict[Question, list[asyncio.Future[Any]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def read(self, question: Question) -> Any:
        """Return what read.lua answers. Cancel-safe. Raises what ``meaning`` makes of an error."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._asked.setdefault(question, []).append(answer)
        if self._asking is None:
            self._asking = loop.create_task(self._ask())
        return await answer

    async def aclose(self) -> None:
        """Close the connection; who still waits for an answer is cancelled."""
        # One that is cancelled before it has begun would not notice that it ends.
        await asyncio.sleep(0)
        if self._asking is not None:
            await stop(self._asking)
        await self.pipe.aclose()

    async def _ask(self) -> None:
        asked: dict[Question, list[asyncio.Future[Any]]] = {}
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                for waiting, answer in zip(
                    asked.values(), await self._answers(list(asked)), strict=True
                ):
                    for future in waiting:
                        self._give(future, answer)
        finally:
            self._asking = None
            for future in chain(*asked.values(), *self._asked.values()):
                future.cancel()

    def _give(self, future: asyncio.Future[Any], answer: Any) -> None:
        if future.done():
            return  # whoever asked has gone
        if isinstance(answer, Exception):
            future.set_exception(self._meaning(answer))
        else:
            future.set_result(answer)

    async def _answers(self, questions: list[Question]) -> list[Any]:
        commands = [pack("EVALSHA", HASH, "2", *map(str, question)) for question in questions]
        try:
            answers = await self.pipe.call(commands)
            if any(isinstance(answer, Refusal) and answer.kind == UNKNOWN for answer in answers):
                # Redis is new, or was restarted; from now on it knows the script.
                await self.pipe.call([pack("SCRIPT", "LOAD", TEXT)])
                answers = await self.pipe.call(commands)
        except Exception as exc:  # noqa: BLE001 - for those who have asked
            return [exc] * len(questions)
        return answers
