"""What only the long-poll has: the shape of an answer, and how long it waits."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.harness.clients import TRANSPORTS
from tests.harness.clients.http import http_client
from tests.harness.steps import log, pending, progress, started, success

if TYPE_CHECKING:
    import httpx

    from tests.harness.site import DrivenTask, Site

MALFORMED = ["nan", "inf", "-inf", "-1", "x", "", "1,5", "\u0661", "0x1", "1_0"]


async def poll(
    task: DrivenTask,
    *,
    method: str = "GET",
    timeout: float = 10,  # noqa: ASYNC109
    **params: str,
) -> httpx.Response:
    """Return the answer to one poll."""
    async with asyncio.timeout(timeout), http_client(task.site.server(-1).url) as client:
        path = task.follow("longpoll", params=params).path
        return await client.request(method, path)


async def test_an_answer_holds_messages_a_cursor_and_whether_it_is_over(site: Site) -> None:
    """The cursor is that of the last message."""
    task = await site.task(pending(), started())
    response = await poll(task)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    answer = response.json()
    assert set(answer) == {"messages", "cursor", "ready"}
    assert [message["state"] for message in answer["messages"]] == ["STARTED"]
    assert answer["cursor"] == answer["messages"][-1]["cursor"]
    assert answer["ready"] is False


async def test_an_answer_is_never_stored(site: Site) -> None:
    """No cache keeps an answer, neither one with news nor one without, nor a refusal."""
    task = await site.task(pending())
    first = await poll(task)
    nothing = await poll(task, after=first.json()["cursor"], wait="0")
    refused = await poll(task, after="x")
    assert [each.status_code for each in (first, nothing, refused)] == [200, 204, 400]
    assert {each.headers["cache-control"] for each in (first, nothing, refused)} == {"no-store"}


async def test_without_a_cursor_it_answers_at_once(site: Site) -> None:
    """The snapshot is there already, however long the client would wait."""
    task = await site.task(pending())
    begin = time.monotonic()
    assert (await poll(task, wait="60")).status_code == 200
    assert time.monotonic() - begin < 2


async def test_with_news_it_answers_at_once(site: Site) -> None:
    """All that came after the cursor is in one answer."""
    task = await site.task(pending())
    cursor = (await poll(task)).json()["cursor"]
    await task.play(started(), log("line"), progress(1, 2))
    answer = (await poll(task, after=cursor, types="status,log")).json()
    told = [message.get("state", "log") for message in answer["messages"]]
    assert told == ["STARTED", "log", "PROGRESS"]
    assert answer["cursor"] == answer["messages"][-1]["cursor"]


@pytest.mark.traps  # an AsyncHttpConsumer ends with its handle()
async def test_it_waits_for_news(site: Site) -> None:
    """A poll is answered as soon as there is something to tell."""
    task = await site.task(pending())
    cursor = (await poll(task)).json()["cursor"]
    waiting = asyncio.create_task(poll(task, after=cursor, wait="20"))
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    await task.play(started())
    answer = (await waiting).json()
    assert [message["state"] for message in answer["messages"]] == ["STARTED"]


async def test_without_news_it_answers_204_when_the_wait_is_over(site: Site) -> None:
    """The answer has no body, and comes no sooner and hardly later than asked for."""
    task = await site.task(pending())
    cursor = (await poll(task)).json()["cursor"]
    begin = time.monotonic()
    response = await poll(task, after=cursor, wait="1.5")
    assert 1.4 <= time.monotonic() - begin < 4
    assert (response.status_code, response.content) == (204, b"")


async def test_wait_0_answers_at_once(site: Site) -> None:
    """A client that does not want to wait need not."""
    task = await site.task(pending())
    cursor = (await poll(task)).json()["cursor"]
    begin = time.monotonic()
    assert (await poll(task, after=cursor, wait="0")).status_code == 204
    assert time.monotonic() - begin < 1
    await task.play(started())
    assert (await poll(task, after=cursor, wait="0")).status_code == 200


async def test_news_that_was_not_asked_for_is_no_news(site: Site) -> None:
    """A log line does not wake a client of states alone."""
    task = await site.task(pending(), started())
    cursor = (await poll(task)).json()["cursor"]
    waiting = asyncio.create_task(poll(task, after=cursor, wait="1.5"))
    await task.play(log("unasked"))
    assert (await waiting).status_code == 204


@pytest.mark.parametrize("wait", ["0", "0.5", "60", "25", "0.0"])
async def test_any_wait_up_to_a_minute_will_do(site: Site, wait: str) -> None:
    """wait takes seconds, whole or not."""
    task = await site.task(pending())
    assert (await poll(task, wait=wait)).status_code == 200


@pytest.mark.parametrize("wait", MALFORMED)
async def test_any_other_wait_is_malformed(site: Site, wait: str) -> None:
    """A wait that is no number of seconds is a bad request."""
    task = await site.task(pending())
    response = await poll(task, wait=wait)
    assert response.status_code == 400
    assert response.json()["code"] == "bad_request"


async def test_the_terminal_message_is_always_told(site: Site) -> None:
    """Whatever the cursor, a task that is over is answered at once with its terminal message."""
    task = await site.task(pending(), started(), success("over"))
    first = (await poll(task)).json()
    assert first["ready"] is True
    again = (await poll(task, after=first["cursor"], wait="60", timeout=3)).json()
    assert again["ready"] is True
    assert again["messages"] == first["messages"]
    assert again["cursor"] == first["cursor"]


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_not_allowed(site: Site, method: str) -> None:
    """A stream can be read and nothing else."""
    task = await site.task(pending())
    response = await poll(task, method=method)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"


async def test_polls_share_a_connection(site: Site) -> None:
    """An answer leaves its connection fit for the next poll."""
    task = await site.task(pending())
    async with TRANSPORTS["longpoll"](site.server(-1).url, task.id, token=task.token) as client:
        await client.next()
        for number in range(5):
            await task.play(started() if not number else log("x"), progress(number + 1, 9))
            assert (await client.until("PROGRESS"))["progress"]["current"] == number + 1


async def test_a_client_that_goes_away_is_let_go(site: Site) -> None:
    """Leaving in the middle of a wait is no error, and others go on."""
    task = await site.task(pending())
    cursor = (await poll(task)).json()["cursor"]
    staying = asyncio.create_task(poll(task, after=cursor, wait="20"))
    for _ in range(5):
        with pytest.raises(TimeoutError):
            await poll(task, after=cursor, wait="20", timeout=0.1)
    await task.play(started())
    assert (await staying).status_code == 200
