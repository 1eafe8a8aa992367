"""Those who poll one task on connections of which we know what they ask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from taskstatus.batch import JSON, NO_STORE
from taskstatus.counts import COUNTS
from taskstatus.drain import get_drain
from taskstatus.feed import Feed
from taskstatus.hub import LINGER_SECONDS, Hub, Watch
from taskstatus.messages import Message
from taskstatus.recent import Recent

__all__ = ["Answer", "Poller", "Pollers", "Question"]

Headers = tuple[tuple[bytes, bytes], ...]

#: Cursors for which an answer is kept; most ask with the same one.
MAX_ANSWERS = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response, as it goes over the wire."""

    response: bytes
    status: int
    #: How many messages are in it.
    messages: int = 0


class Poller(Protocol):
    """One connection, and what it asks."""

    after: int
    #: When its wait is over, by the event loop's clock.
    deadline: float

    def answer(self, answer: Answer) -> None:
        """Write an answer; must neither wait nor raise."""

    def hand_back(self) -> None:
        """Let the server answer."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is the same for all of them, the cursor apart."""

    types: frozenset[str]
    wait: float
    #: What an answer's head has besides what an answer is about: the security headers, CORS.
    headers: Headers
    #: uvicorn's, which knows the headers that all responses begin with, and counts requests.
    server: Any


class Pollers:
    """A reader of the hub that stands for all who ask one question about a task.

    They get the very same bytes. What this can't tell by what was heard lately goes to the server,
    and by it to the feed; it never guesses.
    """

    def __init__(self, hub: Hub, watch: Watch, question: Question) -> None:
        self._hub = hub
        self._watch = watch
        self._question = question
        self._loop = asyncio.get_running_loop()
        #: Those who wait, the first to come first, which is also the order of their deadlines.
        self._waiting: dict[Poller, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._told = self._closing = False
        # What all answers were made of, and each by its cursor; None: nothing to tell yet.
        self._recent: Recent | None = None
        self._newest = 0
        self._default: Any = None
        self._answers: dict[int, Answer | None] = {}

    @classmethod
    def of(cls, hub: Hub, task_id: str, question: Question) -> Pollers | None:
        """Return those who ask this about a task, None where its group is not joined."""
        watch = hub.joined(task_id)
        if watch is None:
            return None
        pollers: Pollers | None = watch.pollers.get(question)
        if pollers is None:
            pollers = cls(hub, watch, question)
            pollers._enter()
        return pollers

    def ask(self, poller: Poller) -> bool:
        """Answer a poller now or later; return False when this can't, and the server must."""
        if not self._watch.joined:
            return False
        if self._timer is None:
            self._enter()
        if not self._can_tell(poller.after):
            return False
        answer = self._answers[poller.after]
        if answer is not None:
            self._give(poller, answer)
            return True
        poller.deadline = self._loop.time() + self._question.wait
        self._waiting[poller] = None
        return True

    def forget(self, poller: Poller) -> None:
        """Let go of one who waits."""
        self._waiting.pop(poller, None)

    def put(self, message: Message) -> None:
        """Tell those who wait, once all that comes in this turn of the event loop has come."""
        del message  # it is among what was heard lately
        if not self._told and self._waiting:
            self._told = True
            self._loop.call_soon(self._tell)

    def lacks(self, version: int) -> bool:
        """Return whether those who wait have not been told of the store's version."""
        recent = self._watch.recent
        return bool(self._waiting) and (recent is None or not 0 < version <= recent.newest)

    def poke(self) -> None:
        """Let the feed tell them, which asks the store."""
        waiting, self._waiting = self._waiting, {}
        COUNTS.healed += max(0, len(waiting) - 1)
        for poller in waiting:
            poller.hand_back()

    def close(self) -> None:
        """Answer all who wait; who comes back asks the server, and by then another one."""
        self._tell()
        self._closing = True
        self._end(list(self._waiting))

    def _can_tell(self, after: int) -> bool:
        """Return whether there is an answer in ``_answers``, making it if need be."""
        recent, default = self._watch.recent, self._question.server.default_headers
        if recent is None or self._closing or not self._watch.joined:
            return False
        if (
            self._newest != recent.newest
            or self._default is not default
            or self._recent is not recent
            or len(self._answers) > MAX_ANSWERS
        ):
            self._recent, self._newest, self._default = recent, recent.newest, default
            self._answers.clear()
        elif after in self._answers:
            return True
        reading = recent.since(after)
        if reading is None:
            return False
        feed = Feed(
            self._watch.task_id,
            store=self._hub.store,
            types=self._question.types,
            reading=reading,
            after=after,
        )
        messages = feed.first()
        body = feed.body(messages)
        if body is None:
            self._answers[after] = None
        else:
            length = (b"content-length", b"%d" % len(body))
            head = self._head(b"200 OK", (*JSON, length))
            self._answers[after] = Answer(head + body, 200, len(messages))
        return True

    def _head(self, status: bytes, headers: Headers) -> bytes:
        """Return the head of a response, as uvicorn writes it."""
        fields = (*self._question.server.default_headers, *headers, *self._question.headers)
        lines = b"".join([b"%b: %b\r\n" % field for field in fields])
        return b"HTTP/1.1 %b\r\n%b\r\n" % (status, lines)

    def _give(self, poller: Poller, answer: Answer) -> None:
        COUNTS.sent += answer.messages
        COUNTS.resumed += 1
        self._question.server.total_requests += 1
        poller.answer(answer)

    def _tell(self) -> None:
        self._told = False
        waiting, self._waiting = self._waiting, {}
        for poller in waiting:
            if not self._can_tell(poller.after):
                poller.hand_back()
            elif (answer := self._answers[poller.after]) is not None:
                self._give(poller, answer)
            else:
                self._waiting[poller] = None

    def _end(self, pollers: Iterable[Poller]) -> None:
        """Answer that there is no news."""
        nothing = Answer(self._head(b"204 No Content", (NO_STORE,)), 204)
        for poller in pollers:
            del self._waiting[poller]
            self._give(poller, nothing)

    def _enter(self) -> None:
        self._closing = get_drain().begun
        self._hub.enter(self._watch, self)
        self._watch.pollers.setdefault(self._question, self)
        self._look_later()

    def _look_later(self) -> None:
        first = next(iter(self._waiting), None)
        soon = self._loop.time() + min(self._question.wait, LINGER_SECONDS)
        # Not at the end of each wait: pollers come and go with each message.
        self._timer = self._loop.call_at(
            soon if first is None else min(soon, first.deadline), self._look
        )

    def _look(self) -> None:
        """End the waits that are over; leave the hub once nobody waits."""
        if self._told:
            self._tell()
        now = self._loop.time()
        over = []
        for poller in self._waiting:
            if poller.deadline > now:
                break
            over.append(poller)
        self._end(over)
        if self._waiting:
            self._look_later()
        else:
            self._timer = None
            self._answers.clear()
            if self._watch.pollers.get(self._question) is self:
                del self._watch.pollers[self._question]
            self._hub.leave(self._watch, self)
