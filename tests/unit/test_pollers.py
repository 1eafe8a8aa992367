"""Those who poll one task: one answer for all of them, or the server's."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from taskstatus import pollers as module
from taskstatus.counts import COUNTS
from taskstatus.feed import follow
from taskstatus.hub import Hub, get_hub
from taskstatus.messages import Message
from taskstatus.pollers import Answer, Pollers, Question
from taskstatus.testing import TaskDriver
from tests.harness.clients import strict_json
from tests.unit.subscriptions import eventually, readers, with_nothing_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

UNIT = 0.05
STATUS = frozenset({"status"})
BOTH = frozenset({"status", "log"})


class Server:
    """What of uvicorn is asked for."""

    def __init__(self) -> None:
        self.default_headers = [(b"date", b"today")]
        self.total_requests = 0


@dataclass(eq=False)
class Poller:
    """One connection."""

    after: int
    deadline: float = 0.0
    answers: list[Answer] = field(default_factory=list)
    handed_back: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, answer: Answer) -> None:
        """Take an answer."""
        self.answers.append(answer)
        self.answered.set()

    def hand_back(self) -> None:
        """Take the order to ask the server."""
        self.handed_back += 1
        self.answered.set()

    @property
    def told(self) -> list[str]:
        """Return what the last answer told: states, and lines."""
        body = self.answers[-1].response.partition(b"\r\n\r\n")[2].decode()
        messages: list[dict[str, Any]] = strict_json.loads(body)["messages"]
        return [message.get("state", "log") for message in messages]


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> TaskDriver:
    """Return a task that has started; pollers leave the hub soon after the last one is gone."""
    monkeypatch.setattr(module, "LINGER_SECONDS", UNIT)
    task = TaskDriver()
    task.started()
    return task


@dataclass
class Crowd:
    """Those who ask one question, and how far they are."""

    hub: Hub
    task: TaskDriver
    pollers: Pollers
    newest: int
    server: Server

    def poll(self, after: int | None = None) -> Poller:
        """Return a poller who has asked what comes after a cursor, the newest by default."""
        poller = Poller(self.newest if after is None else after)
        assert self.pollers.ask(poller)
        return poller


@contextlib.asynccontextmanager
async def crowd_of(
    task: TaskDriver, *, types: frozenset[str] = STATUS, wait: float = 20
) -> AsyncIterator[Crowd]:
    """Yield those who ask about a task that somebody has asked for before."""
    async with with_nothing_left():
        hub, server = get_hub(), Server()
        async with follow(task.task_id, hub=hub) as feed:
            newest = (await feed.batch(0))[-1].version
        async with follow(task.task_id, after=newest, hub=hub, recall=True):
            pass
        headers = ((b"x-more", b"1"),)
        pollers = Pollers.of(hub, task.task_id, Question(types, wait, headers, server))
        assert pollers is not None
        yield Crowd(hub, task, pollers, newest, server)
        await eventually(lambda: not readers())


async def test_all_get_the_same_bytes(task: TaskDriver) -> None:
    """One answer is made for all who have the same cursor."""
    async with crowd_of(task) as crowd:
        pollers = [crowd.poll() for _ in range(3)]
        assert not any(poller.answers for poller in pollers)
        task.progress(1, 2)
        await pollers[0].answered.wait()
        first, *others = [poller.answers[0] for poller in pollers]
        assert all(other is first for other in others)
        assert (first.status, first.messages, pollers[0].told) == (200, 1, ["PROGRESS"])
        head, _, body = first.response.partition(b"\r\n\r\n")
        assert head.split(b"\r\n") == [
            b"HTTP/1.1 200 OK",
            b"date: today",
            b"content-type: application/json",
            b"cache-control: no-store",
            b"content-length: %d" % len(body),
            b"x-more: 1",
        ]
        assert crowd.server.total_requests == 3


async def test_what_comes_in_one_turn_is_one_answer(task: TaskDriver) -> None:
    """Each answer costs the client another request."""
    async with crowd_of(task, types=BOTH) as crowd:
        poller = crowd.poll()
        hear(crowd, *[line(crowd.newest + number) for number in (1, 2, 3)])
        await poller.answered.wait()
        assert [answer.messages for answer in poller.answers] == [3]


def line(version: int) -> Message:
    """Return a log line that follows on the message before it."""
    return Message("log", "", version, version - 1, '{"type":"log"}')


def hear(crowd: Crowd, *messages: Message) -> None:
    """Let the hub hear messages, in one turn of the event loop."""
    watch = crowd.hub.joined(crowd.task.task_id)
    assert watch is not None
    assert watch.recent is not None
    for message in messages:
        watch.recent.hear(message)
        for reader in watch.readers:
            reader.put(message)


def body_of(poller: Poller) -> str:
    """Return the body of the last answer."""
    return poller.answers[-1].response.partition(b"\r\n\r\n")[2].decode()


def cursor_of(poller: Poller) -> int:
    """Return the cursor of the last answer."""
    return int(strict_json.loads(body_of(poller))["cursor"])


async def test_who_is_behind_is_answered_at_once(task: TaskDriver) -> None:
    """Each by its own cursor."""
    async with crowd_of(task, types=BOTH) as crowd:
        waiting = crowd.poll()
        task.log("one")
        await waiting.answered.wait()
        task.progress(1, 2)
        await eventually(lambda: crowd.poll(cursor_of(waiting)).answers != [])
        assert crowd.poll().told == ["log", "PROGRESS"]
        assert crowd.poll(cursor_of(waiting)).told == ["PROGRESS"]


async def test_news_that_was_not_asked_for_is_no_news(task: TaskDriver) -> None:
    """A line wakes nobody who wants states alone; the cursor goes past it with the next state."""
    async with crowd_of(task) as crowd, crowd.hub.subscribe(task.task_id) as others:
        poller = crowd.poll()
        task.log("unasked")
        assert await others.wait(10)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not poller.answers
        task.progress(1, 2)
        await poller.answered.wait()
        assert poller.told == ["PROGRESS"]


async def test_the_end_is_told_and_told_again(task: TaskDriver) -> None:
    """To who waits, and to who asks once more."""
    async with crowd_of(task) as crowd:
        poller = crowd.poll()
        task.success()
        await poller.answered.wait()
        assert poller.told == ["SUCCESS"]
        again = crowd.poll(cursor_of(poller))
        assert again.told == ["SUCCESS"]
        assert (again.answers[0].messages, poller.answers[0].messages) == (0, 1)
        assert strict_json.loads(body_of(again))["ready"] is True


async def test_who_waits_long_enough_is_told_that_there_is_nothing(task: TaskDriver) -> None:
    """In the order in which they came, and not before."""
    async with crowd_of(task, wait=2 * UNIT) as crowd:
        loop = asyncio.get_running_loop()
        began = loop.time()
        first = crowd.poll()
        later = asyncio.Event()
        loop.call_at(began + UNIT, later.set)
        await later.wait()
        second = crowd.poll()
        await first.answered.wait()
        assert loop.time() >= began + 2 * UNIT - 0.01
        assert not second.answers
        await second.answered.wait()
        assert {answer.status for answer in first.answers + second.answers} == {204}
        assert first.answers[0].response.split(b"\r\n") == [
            b"HTTP/1.1 204 No Content",
            b"date: today",
            b"cache-control: no-store",
            b"x-more: 1",
            b"",
            b"",
        ]


async def test_news_at_the_last_moment_are_news(task: TaskDriver) -> None:
    """They have come, although nobody has been told yet."""
    async with crowd_of(task, wait=UNIT) as crowd:
        poller = crowd.poll()
        hear(crowd, Message("status", "PROGRESS", crowd.newest + 1, crowd.newest, "{}"))
        poller.deadline = 0.0
        crowd.pollers._look()
        assert [answer.status for answer in poller.answers] == [200]


async def test_a_cursor_of_which_nothing_is_known_is_the_server_s(task: TaskDriver) -> None:
    """One that is too old, or was never given."""
    async with crowd_of(task) as crowd:
        assert not crowd.pollers.ask(Poller(crowd.newest - 1))
        assert not crowd.pollers.ask(Poller(crowd.newest + 1))


async def test_a_hole_sends_who_waits_to_the_server(task: TaskDriver) -> None:
    """Something has not been heard, which the store knows."""
    async with crowd_of(task) as crowd:
        poller = crowd.poll()
        hear(crowd, line(crowd.newest + 5))
        await poller.answered.wait()
        assert (poller.handed_back, poller.answers) == (1, [])


async def test_who_is_behind_the_store_is_sent_to_the_server(
    task: TaskDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reconciling finds what the layer has lost; all of them count as healed."""
    async with crowd_of(task) as crowd:
        waiting = [crowd.poll() for _ in range(3)]
        with monkeypatch.context() as deaf:
            deaf.setattr(crowd.hub, "_hear", lambda message: 0)
            deaf.setattr(crowd.hub._membership, "_hear", lambda message: 0)
            task.progress(1, 2)
            healed = COUNTS.healed
            await crowd.hub.reconcile()
        assert COUNTS.healed == healed + 3
        assert [poller.handed_back for poller in waiting] == [1, 1, 1]
        assert not crowd.pollers.ask(Poller(crowd.newest))


async def test_who_is_not_behind_waits_on(task: TaskDriver) -> None:
    """Reconciling tells nobody who lacks nothing."""
    async with crowd_of(task) as crowd:
        poller = crowd.poll()
        await crowd.hub.reconcile()
        assert not poller.answered.is_set()
        crowd.pollers.forget(poller)


async def test_a_process_that_stops_answers_all(task: TaskDriver) -> None:
    """News to who has them coming, no news to the others; later ones are the server's."""
    async with crowd_of(task) as crowd:
        poller = crowd.poll()
        crowd.hub.close_readers()
        assert [answer.status for answer in poller.answers] == [204]
        assert not crowd.pollers.ask(Poller(crowd.newest))


async def test_one_who_is_forgotten_is_not_answered(task: TaskDriver) -> None:
    """The client has gone."""
    async with crowd_of(task) as crowd:
        gone, staying = crowd.poll(), crowd.poll()
        crowd.pollers.forget(gone)
        task.progress(1, 2)
        await staying.answered.wait()
        assert not gone.answers


async def test_the_hub_is_left_when_nobody_waits_and_entered_again(task: TaskDriver) -> None:
    """Not with each answer: most come back at once."""
    async with crowd_of(task) as crowd:
        assert readers() == 1
        await eventually(lambda: not readers())
        poller = crowd.poll()
        assert readers() == 1
        task.progress(1, 2)
        await poller.answered.wait()
        assert readers() == 1
        assert poller.told == ["PROGRESS"]


async def test_without_a_joined_group_the_server_answers(task: TaskDriver) -> None:
    """Nothing would be heard."""
    async with crowd_of(task) as crowd:
        watch = crowd.hub.joined(task.task_id)
        assert watch is not None
        await eventually(lambda: not readers())
        watch.joined = False
        assert not crowd.pollers.ask(Poller(crowd.newest))
        assert not readers()
        watch.joined = True
    assert Pollers.of(get_hub(), "nobody-asked", Question(STATUS, 1, (), Server())) is None
    await get_hub().aclose()


async def test_the_date_is_that_of_now(task: TaskDriver) -> None:
    """What the server puts in front of all its answers changes each second."""
    async with crowd_of(task) as crowd:
        poller = crowd.poll()
        task.progress(1, 2)
        await poller.answered.wait()
        crowd.server.default_headers = [(b"date", b"tomorrow")]
        again = crowd.poll()
        assert b"tomorrow" in again.answers[0].response
        assert again.told == ["PROGRESS"]


async def test_answers_are_kept_for_a_few_cursors_only(
    task: TaskDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are asked for."""
    monkeypatch.setattr(module, "MAX_ANSWERS", 2)
    async with crowd_of(task, types=BOTH) as crowd:
        poller = crowd.poll()
        for number in range(5):
            task.log(str(number))
        await poller.answered.wait()
        await eventually(lambda: len(crowd.poll().told) == 5)
        for after in range(crowd.newest, crowd.newest + 5):
            crowd.poll(after)
        assert len(crowd.pollers._answers) <= 3
