"""What one client sees: a snapshot, everything newer in order, no hole, and the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from celery import current_app

from taskstatus.exceptions import UnknownTask
from taskstatus.states import State
from tests.integration.streams.reading import BOTH, UNIT, ended, read_until, states

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from tests.integration.streams.reading import Stream

LOG = frozenset({"log"})


async def test_snapshot_comes_first(stream: Stream) -> None:
    """A client without a cursor gets the current state alone, whatever came before it."""
    task = stream.task()
    task.pending()
    task.started()
    async with stream.follow(task) as feed:
        (snapshot,) = await feed.batch(0)
        assert snapshot.state == "STARTED"
        assert '"reset"' not in snapshot.json
        assert await feed.batch(0) == []


async def test_client_of_both_types_gets_the_lines_after_the_status(stream: Stream) -> None:
    """Lines newer than the snapshot go with it; older ones are what it stands for."""
    task = stream.task()
    task.started()
    task.log("before")
    task.progress(1, 2)
    task.log("after")
    async with stream.follow(task, types=BOTH) as feed:
        messages = await feed.batch(0)
        assert states(messages) == ["PROGRESS", "log"]
        assert '"after"' in messages[-1].json


async def test_client_of_log_lines_alone_gets_no_status(stream: Stream) -> None:
    """Only what was asked for is sent, and the feed ends all the same."""
    task = stream.task()
    task.started()
    async with stream.follow(task, types=LOG) as feed:
        assert await feed.batch(0) == []
        task.log("one")
        task.progress(1)
        task.log("two")
        assert states(await read_until(feed, lambda messages: len(messages) == 2)) == ["log", "log"]
        task.success()
        assert await feed.batch(100 * UNIT) == []
        assert feed.ended


async def test_everything_newer_follows_in_order(stream: Stream) -> None:
    """States and lines come in the order in which they happened, to the end."""
    task = stream.task()
    task.pending()
    async with stream.follow(task, types=BOTH) as feed:
        task.received()
        task.started()
        task.log("one")
        task.custom("PARSING")
        task.log("two")
        task.success({"rows": 2})
        messages = await read_until(feed, ended)
        assert states(messages) == [
            "PENDING",
            "RECEIVED",
            "STARTED",
            "log",
            "PARSING",
            "log",
            "SUCCESS",
        ]
        assert feed.ended
        assert await feed.batch(100 * UNIT) == []


async def test_finished_task_is_told_and_over(stream: Stream) -> None:
    """A late client gets the end as its snapshot, and nothing is joined for it."""
    task = stream.task()
    task.started()
    task.failure(ValueError("no"))
    async with stream.follow(task) as feed:
        (last,) = await feed.batch(100 * UNIT)
        assert json.loads(last.json)["error"] == "no"
        assert feed.ended
    assert stream.tap.added == []


async def test_client_that_has_the_end_gets_nothing_more(stream: Stream) -> None:
    """At the terminal cursor the feed is over at once."""
    task = stream.task()
    task.started()
    task.success()
    newest = stream.store.read(task.task_id)
    assert newest is not None
    async with stream.follow(task, after=newest.version, types=BOTH) as feed:
        assert feed.ended
        assert feed.cursor == newest.status.cursor
        assert await feed.batch(100 * UNIT) == []


async def test_any_cursor_resumes_with_exactly_what_follows_it(stream: Stream) -> None:
    """Coming back with a cursor gives what came after it, then what comes."""
    task = stream.task()
    task.pending()
    async with stream.follow(task, types=BOTH) as feed:
        task.started()
        task.log("one")
        task.progress(1)
        task.log("two")
        told = await read_until(feed, lambda messages: len(messages) == 5)
    for seen, message in enumerate(told, start=1):
        async with stream.follow(task, after=message.version, types=BOTH) as feed:
            again = await feed.batch(0)
            assert [m.json for m in again] == [m.json for m in told[seen:]]
    async with stream.follow(task, after=told[-1].version, types=BOTH) as feed:
        task.success()
        assert states(await read_until(feed, ended)) == ["SUCCESS"]


@pytest.mark.parametrize("cursor", [0, 1, 9_999_999_999_999_999])
async def test_cursor_that_cannot_be_resumed_gets_a_reset(stream: Stream, cursor: int) -> None:
    """A cursor of another life of the task gets one snapshot that says so."""
    task = stream.task()
    task.started()
    task.log("a line")
    async with stream.follow(task, after=cursor) as feed:
        (snapshot,) = await feed.batch(0)
        assert json.loads(snapshot.json)["reset"] is True
        task.success()
        (last,) = await read_until(feed, ended)
        assert '"reset"' not in last.json


async def test_trimmed_cursor_gets_a_reset(stream: Stream, settings: Settings) -> None:
    """Who comes back too late starts over, with the lines that go with the snapshot."""
    settings.TASKSTATUS_MAX_EVENTS = 3
    task = stream.task()
    task.started()
    cursor = stream.store.read(task.task_id)
    assert cursor is not None
    task.progress(1)
    for number in range(5):
        task.log(str(number))
    async with stream.follow(task, after=cursor.version, types=BOTH) as feed:
        messages = await feed.batch(0)
        assert states(messages) == ["PROGRESS", "log", "log", "log"]
        assert '"reset":true' in messages[0].json


async def test_unknown_task_is_told_at_once(stream: Stream) -> None:
    """What neither the store nor the result backend knows can't be followed."""
    with pytest.raises(UnknownTask):
        async with stream.follow(stream.task()):
            pass
    assert stream.tap.added == []


@pytest.mark.parametrize(
    ("state", "result", "shown"),
    [
        (State.SUCCESS, {"rows": 3}, '"result":{"rows":3}'),
        (State.FAILURE, ValueError("no"), '"error":"no","error_type":"ValueError"'),
        (State.REVOKED, None, '"error":"revoked"'),
        (State.STARTED, None, '"state":"STARTED"'),
    ],
)
async def test_task_of_the_result_backend_is_known(
    stream: Stream, state: State, result: object, shown: str
) -> None:
    """A task of a foreign publisher, or one that the store has lost, is found in the backend."""
    task = stream.task()
    current_app.backend.store_result(task.task_id, result, state)
    async with stream.follow(task) as feed:
        (snapshot,) = await feed.batch(0)
        assert (snapshot.state, snapshot.ready) == (state, state != State.STARTED)
        assert shown in snapshot.json
