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
    from collections.abc import Callable, Iterator

    from taskstatus.messages import Message

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
        store._recorder.send(("taskstatus:{a}:status", "taskstatus:{a}:log"), ["too", "few"])()
    play(store, task_id, run.logged("next"))
    assert connections(client) == before


def lines(store: RedisStore, task_id: str) -> list[str | None]:
    """Return the lines that a task has logged, None for a status."""
    reading = store.read(task_id, 0)
    assert reading is not None
    return [json.loads(message.json).get("message") for message in reading.messages]


def send(store: RedisStore, task_id: str, line: str) -> Callable[[], Message | None]:
    """Send a line; return what waits for the answer."""
    return store.send(run.logged(line)(task_id), key=f"key.{line}", group="", envelope=b"")


@pytest.mark.parametrize("reader", ["main thread", "another"])
def test_answer_is_read_when_it_is_asked_for(
    store: RedisStore, client: redis.Redis, task_id: str, reader: str
) -> None:
    """The change is recorded without that, and the connection serves again after it."""
    play(store, task_id, run.started())
    [own] = connections(client)
    answer = send(store, task_id, "one")
    with ThreadPoolExecutor(1) as thread:
        message = answer() if reader == "main thread" else thread.submit(answer).result()
    assert message is not None
    assert json.loads(message.json)["message"] == "one"
    play(store, task_id, run.logged("two"))
    assert connections(client) == [own]
    assert lines(store, task_id) == [None, "one", "two"]


def test_what_is_recorded_while_an_answer_is_to_come_takes_another_connection(
    store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """Each call gets its own answer."""
    play(store, task_id, run.started())
    one = send(store, task_id, "one")
    two = send(store, task_id, "two")
    three = store.record(run.logged("three")(task_id))
    messages = [one(), two(), three]
    said = [json.loads(message.json)["message"] for message in messages if message is not None]
    assert said == ["one", "two", "three"]
    assert len(connections(client)) == 2


def test_connection_that_is_cut_before_the_answer_is_made_again(
    store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """Redis had not taken the change yet: it takes it once, when the answer is asked for."""
    play(store, task_id, run.started())
    [own] = connections(client)
    client.client_pause(10_000, all=False)
    answer = send(store, task_id, "one")
    client.client_kill_filter(_id=own)
    client.client_unpause()
    assert lines(store, task_id) == [None]
    assert answer() is not None
    assert lines(store, task_id) == [None, "one"]


def test_connection_that_was_cut_before_the_sending_is_made_again(
    store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """Whether that shows as the change is sent, or as the answer is read."""
    play(store, task_id, run.started())
    for line in ("one", "two", "three"):
        for connection in connections(client):
            client.client_kill_filter(_id=connection)
        assert send(store, task_id, line)() is not None
    assert lines(store, task_id) == [None, "one", "two", "three"]


def test_script_that_redis_has_forgotten_is_told_again(
    store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """As after a restart."""
    play(store, task_id, run.started())
    client.script_flush()
    assert send(store, task_id, "one")() is not None
    assert lines(store, task_id) == [None, "one"]


def test_answer_that_does_not_come_is_nobodys(
    store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """Asked again it is the answer to the change sent again, which has counted once."""
    play(store, task_id, run.started())
    client.client_pause(400, all=False)
    answer = send(store, task_id, "late")
    with pytest.raises(StoreUnavailable):
        answer()
    client.client_unpause()
    play(store, task_id, run.logged("next"))
    answer()
    assert sorted(map(str, lines(store, task_id))) == ["None", "late", "next"]


def test_answer_that_is_forgotten_is_nobodys(
    store: RedisStore, client: redis.Redis, task_id: str
) -> None:
    """A signal may have struck before anybody held it; the change is recorded all the same."""
    play(store, task_id, run.started())
    [own] = connections(client)
    send(store, task_id, "one")
    message = store.record(run.logged("two")(task_id))
    assert message is not None
    assert json.loads(message.json)["message"] == "two"
    assert own not in connections(client)
    assert len(connections(client)) == 1
    assert lines(store, task_id) == [None, "one", "two"]


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
