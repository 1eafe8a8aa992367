"""How record.lua is run: on which connection, and what happens to it in trouble."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import redis

from taskstatus.exceptions import StoreUnavailable
from taskstatus.stores.redis import RedisStore
from tests.integration.stores.steps import Speaker, play

if TYPE_CHECKING:
    from collections.abc import Iterator

run = Speaker(number=10)


@pytest.fixture
def store(redis_url: str) -> Iterator[RedisStore]:
    """Yield a store that waits for a fifth of a second, whose connections can be told apart."""
    store = RedisStore(f"{redis_url}?client_name=recorder&socket_timeout=0.2")
    yield store
    store.close()


def connections(client: redis.Redis) -> list[str]:
    """Return the ids of the store's connections."""
    return [one["id"] for one in client.client_list() if one["name"] == "recorder"]


def test_main_thread_keeps_its_connection(
    store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """A task's changes open one connection; after the store was closed, another."""
    play(store, task_id, run.started())
    [first] = connections(client)
    play(store, task_id, *[run.logged(str(number)) for number in range(20)])
    assert connections(client) == [first]
    store.close()
    play(store, task_id, run.logged("after"))
    assert connections(client) != [first]


def test_other_threads_give_theirs_back(
    store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """One after another they need one more connection; none of them is the main thread's."""
    play(store, task_id, run.started())
    for number in range(5):
        with ThreadPoolExecutor(1) as thread:
            message = thread.submit(store.record, run.logged(str(number))(task_id)).result()
        assert message is not None
    assert len(connections(client)) == 2


@pytest.mark.parametrize("where", ["main thread", "another"])
def test_connection_that_was_cut_is_made_again(
    store: RedisStore, client: redis.Redis, task_id: str, where: str
) -> None:
    """After Redis was restarted the next change is recorded, once."""
    with ThreadPoolExecutor(1) as thread:
        changes = [run.started(), run.logged("one"), run.logged("two")]
        for number, change in enumerate(changes):
            if where == "another":
                thread.submit(store.record, change(task_id), key=f"key.{number}").result()
            else:
                store.record(change(task_id), key=f"key.{number}")
            for connection in connections(client):
                client.client_kill_filter(_id=connection)
    reading = store.read(task_id, 0)
    assert reading is not None
    lines = [json.loads(message.json).get("message") for message in reading.messages]
    assert lines == [None, "one", "two"]


def test_answer_that_comes_too_late_is_nobodys(
    store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """A change that has timed out leaves no answer for the next one to read."""
    play(store, task_id, run.started())
    client.client_pause(400, all=False)
    with pytest.raises(StoreUnavailable):
        store.record(run.logged("late")(task_id))
    client.client_unpause()
    message = store.record(run.logged("next")(task_id))
    assert message is not None
    assert json.loads(message.json)["message"] == "next"


def test_refusal_keeps_the_connection(store: RedisStore, client: redis.Redis, task_id: str) -> None:
    """What Redis refuses has been answered: the connection is in order."""
    play(store, task_id, run.started())
    before = connections(client)
    with pytest.raises(redis.ResponseError):
        store._recorder.run(("taskstatus:{a}:status", "taskstatus:{a}:log"), ["too", "few"])
    play(store, task_id, run.logged("next"))
    assert connections(client) == before


@pytest.mark.parametrize("protocol", [2, 3])
def test_answers_are_read_in_both_of_rediss_protocols(
    redis_url: str, task_id: str, protocol: int
) -> None:
    """The URL may choose one; and a long answer in other letters comes in several parts."""
    store = RedisStore(f"{redis_url}?protocol={protocol}")
    line = "Zeile für Zeile, 行 " * 3_000
    _, message = play(store, task_id, run.started(), run.logged(line))
    assert message is not None
    assert json.loads(message.json)["message"] == line
    store.close()
