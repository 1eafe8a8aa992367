"""Whatever happens to a task, both stores decide the same, write the same and read the same."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from taskstatus.states import State
from taskstatus.stores import MissingRecord
from taskstatus.stores.memory import MemoryStore
from taskstatus.stores.redis import RedisStore
from tests.integration.stores.steps import (
    Speaker,
    Step,
    failed,
    marked,
    owned,
    pending,
    play,
    received,
    retried_elsewhere,
    revoked,
    succeeded_elsewhere,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from taskstatus.changes import Change
    from taskstatus.messages import Message
    from taskstatus.stores import Store

TEXTS = st.text(min_size=0, max_size=20)
SPEAKERS = st.builds(Speaker, number=st.integers(1, 3), attempt=st.integers(0, 2))


@st.composite
def spoken(draw: st.DrawFn) -> Step:
    """Return something that one of a few runs says, in order or not."""
    speaker = draw(SPEAKERS)
    step: Step = draw(
        st.one_of(
            st.builds(speaker.started),
            st.builds(speaker.progressed, st.integers(0, 9)),
            st.builds(speaker.custom, st.sampled_from(["PARSING", 'a "state"', "✓", "", "a\x1fb"])),
            st.builds(speaker.logged, TEXTS),
            st.builds(speaker.retried),
            st.builds(speaker.replaced),
            st.builds(speaker.requeued),
            st.builds(speaker.succeeded, TEXTS, max_bytes=st.sampled_from([10, 1_000])),
            st.builds(speaker.failed),
            st.builds(speaker.ended, st.sampled_from([State.REJECTED, State.IGNORED])),
        )
    )
    return step


UNSPOKEN = st.one_of(
    st.builds(pending),
    st.builds(owned, TEXTS),
    st.builds(received),
    st.builds(failed),
    st.builds(revoked),
    st.builds(marked, st.sampled_from(["PENDING", "STARTED", "PROGRESS"]), stalled=st.booleans()),
    st.builds(retried_elsewhere, st.integers(0, 3)),
    st.builds(succeeded_elsewhere),
)
STEPS = st.one_of(spoken(), spoken(), UNSPOKEN)
LIVES = st.lists(STEPS, max_size=25)
MAX_EVENTS = st.sampled_from([1, 2, 3, 1_000])
#: Some run begins first, so that more than the very end of most lives is about something.
QUIET_LIVES = st.lists(
    st.one_of(
        st.builds(Speaker(number=1).progressed, st.integers(0, 9)),
        st.builds(Speaker(number=1).custom, st.sampled_from(["PARSING", "CHECKING"])),
        st.builds(Speaker(number=1).logged, TEXTS),
        st.builds(Speaker(number=2).started),
    ),
    max_size=25,
)
SETTINGS = hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def redis_module(redis_url: str) -> Iterator[RedisStore]:
    """Yield one store on Redis for all examples."""
    store = RedisStore(redis_url)
    yield store
    store.close()


@pytest.fixture(scope="module", params=["memory", "redis"])
def either(request: pytest.FixtureRequest) -> Store:
    """Return each store in turn, the same one for all examples."""
    if request.param == "memory":
        return MemoryStore()
    redis_module: RedisStore = request.getfixturevalue("redis_module")
    return redis_module


def begun(store: Store) -> tuple[str, Message]:
    """Return the id of a task that has begun, and its first message."""
    task_id = str(uuid.uuid4())
    (first,) = play(store, task_id, Speaker(number=1).started())
    assert first is not None
    return task_id, first


def record(store: Store, changes: Sequence[Change]) -> list[str | Message | None]:
    """Record changes as they are; return each message, or why there is none."""
    outcomes: list[str | Message | None] = []
    for change in changes:
        try:
            outcomes.append(store.record(change))
        except MissingRecord:
            outcomes.append("missing")
    return outcomes


class Namer:
    """Replaces the versions of one store, which come from its clock, by their place in order."""

    def __init__(self, outcomes: Sequence[str | Message | None]) -> None:
        self.messages = [o for o in outcomes if o is not None and not isinstance(o, str)]
        self.versions = [0, *(message.version for message in self.messages)]

    def message(self, message: Message) -> dict[str, Any]:
        """Return all of a message, as far as stores can agree on it."""
        place = f"#{self.versions.index(message.version)}"
        return {
            "kind": message.kind,
            "state": message.state,
            "version": place,
            "json": message.json.replace(str(message.version), place),
        }

    def outcome(self, outcome: str | Message | None) -> object:
        """Return the outcome of a change, with the place of the message before it."""
        if outcome is None or isinstance(outcome, str):
            return outcome
        return {**self.message(outcome), "prev": self.versions.index(outcome.prev)}

    def reading(self, store: Store, task_id: str, after: int) -> object:
        """Return what the store reads to somebody who has seen so many messages."""
        reading = store.read(task_id, self.versions[after])
        if reading is None:
            return None
        return {
            "status": self.message(reading.status),
            "version": self.versions.index(reading.version),
            "floor": self.versions.index(reading.floor),
            "owner": reading.owner,
            "messages": [self.message(message) for message in reading.messages],
            "resumes": reading.resumes(self.versions[after]),
        }


@SETTINGS
@given(life=LIVES, max_events=MAX_EVENTS)
def test_both_stores_agree(redis_module: RedisStore, life: list[Step], max_events: int) -> None:
    """The same changes count, with the same bytes, and every reader gets the same from both."""
    task_id = str(uuid.uuid4())
    memory = MemoryStore()
    changes = [step(task_id) for step in life]
    with override_settings(TASKSTATUS_MAX_EVENTS=max_events):
        here, there = record(memory, changes), record(redis_module, changes)
    names_here, names_there = Namer(here), Namer(there)
    assert [names_here.outcome(o) for o in here] == [names_there.outcome(o) for o in there]
    for seen in range(len(names_here.versions)):
        assert names_here.reading(memory, task_id, seen) == names_there.reading(
            redis_module, task_id, seen
        )


def wanted(written: Sequence[Message], seen: int) -> list[Message]:
    """Return what somebody is missing who has seen so many: all but superseded interim states."""
    missing = []
    for message, following in zip(written, [*written[1:], None], strict=True):
        superseded = (
            following is not None
            and message.interim
            and following.interim
            and message.state == following.state
        )
        if message.version > seen and not superseded:
            missing.append(message)
    return missing


@SETTINGS
@given(life=st.one_of(LIVES, QUIET_LIVES))
def test_reader_who_stopped_anywhere_gets_what_is_missing(either: Store, life: list[Step]) -> None:
    """From each point on: every state change and line, in order, with the bytes first told."""
    task_id, first = begun(either)
    told = [first, *(m for m in play(either, task_id, *life) if m is not None)]
    for stopped in told:
        reading = either.read(task_id, stopped.version)
        assert reading is not None
        assert reading.resumes(stopped.version)
        missing = wanted(told, stopped.version)
        assert [m.version for m in reading.messages] == [m.version for m in missing]
        assert [m.json for m in reading.messages] == [m.json for m in missing]


@SETTINGS
@given(life=st.one_of(LIVES, QUIET_LIVES), reads=st.lists(st.integers(0, 25), max_size=5))
def test_reader_who_comes_back_now_and_then_misses_nothing(
    either: Store, life: list[Step], reads: list[int]
) -> None:
    """Reading while changes are written skips no state change and no line, and repeats none."""
    task_id, first = begun(either)
    told, seen = [first], [first]
    for number, step in enumerate([*life, None]):
        if step is not None:
            told += [message for message in play(either, task_id, step) if message]
        if step is None or number in reads:
            reading = either.read(task_id, seen[-1].version)
            assert reading is not None
            seen += reading.messages
    versions = [message.version for message in seen]
    assert versions == sorted(set(versions))
    assert {m.version for m in told if not m.interim} <= set(versions)
    assert versions[-1] == told[-1].version
