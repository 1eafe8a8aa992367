"""What is kept of a task's stream, and what a reader who comes back gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskstatus.states import State
from tests.integration.stores.steps import Speaker, Step, pending, play

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from taskstatus.messages import Message
    from taskstatus.stores import Reading, Store

first = Speaker(number=10)


def record(store: Store, task_id: str, *steps: Step) -> list[Message]:
    """Record steps all of which count; return their messages."""
    messages = play(store, task_id, *steps)
    assert all(messages)
    return [message for message in messages if message]


def read(store: Store, task_id: str, after: int) -> Reading:
    """Return the reading of a task that is known."""
    reading = store.read(task_id, after)
    assert reading is not None
    return reading


def test_reading_without_a_cursor_has_no_messages(store: Store, task_id: str) -> None:
    """A snapshot alone is one field of one hash; the log is not read for it."""
    record(store, task_id, pending(), first.started())
    reading = store.read(task_id)
    assert reading is not None
    assert list(reading.messages) == []


def test_snapshot_can_bring_along_the_lines_that_are_newer(store: Store, task_id: str) -> None:
    """In one step, so that nothing falls between the two."""
    written = record(
        store, task_id, first.started(), first.logged("old"), first.progressed(1), first.logged()
    )
    reading = store.read(task_id, newer=True)
    assert reading is not None
    assert reading.status.version == written[2].version
    assert [message.json for message in reading.messages] == [written[3].json]
    assert store.read("nobody", newer=True) is None


def test_reader_gets_what_came_after_its_cursor(store: Store, task_id: str) -> None:
    """States and lines come back as they were, oldest first, from any point on."""
    written = record(
        store,
        task_id,
        pending(),
        first.started(),
        first.logged("one"),
        first.custom("PARSING"),
        first.logged("two"),
        first.succeeded(),
    )
    for seen, message in enumerate(written, start=1):
        reading = read(store, task_id, message.version)
        assert reading.resumes(message.version)
        assert [m.json for m in reading.messages] == [m.json for m in written[seen:]]
        assert [m.kind for m in reading.messages] == [m.kind for m in written[seen:]]
        assert [m.state for m in reading.messages] == [m.state for m in written[seen:]]


def test_reader_who_has_everything_gets_nothing(store: Store, task_id: str) -> None:
    """At the newest version there is nothing to send, and no reason to start over."""
    newest = record(store, task_id, pending(), first.started(), first.progressed())[-1]
    reading = read(store, task_id, newest.version)
    assert list(reading.messages) == []
    assert reading.resumes(newest.version)


def test_cursor_from_the_future_cannot_be_resumed(store: Store, task_id: str) -> None:
    """A version that was never given out belongs to another life of the task."""
    newest = record(store, task_id, pending())[-1]
    assert not read(store, task_id, newest.version + 1).resumes(newest.version + 1)


def test_cursor_from_before_the_task_cannot_be_resumed(store: Store, task_id: str) -> None:
    """A version older than the first belongs to another life of the task."""
    oldest = record(store, task_id, pending(), first.started())[0]
    assert not read(store, task_id, oldest.version - 1).resumes(oldest.version - 1)


@pytest.mark.parametrize("step", ["PROGRESS", "PARSING"])
def test_interim_states_stand_for_those_before_them(store: Store, task_id: str, step: str) -> None:
    """Of a million interim states in a row the log holds none, and a reader gets the newest."""
    interim = [first.custom(step) if step != "PROGRESS" else first.progressed(n) for n in range(9)]
    written = record(store, task_id, first.started(), *interim)
    reading = read(store, task_id, written[0].version)
    assert [m.version for m in reading.messages] == [written[-1].version]
    assert read(store, task_id, written[4].version).resumes(written[4].version)


def test_interim_state_is_kept_where_something_follows_it(store: Store, task_id: str) -> None:
    """A line between two progress states keeps the first of them, in its place."""
    started, *_, three, line, four, five, done = record(
        store,
        task_id,
        first.started(),
        *[first.progressed(n) for n in (1, 2, 3)],
        first.logged(),
        first.progressed(4),
        first.progressed(5),
        first.succeeded(),
    )
    reading = read(store, task_id, started.version)
    kept = [message.version for message in reading.messages]
    assert kept == [three.version, line.version, five.version, done.version]
    assert four.version not in kept


def test_change_of_interim_state_is_kept(store: Store, task_id: str) -> None:
    """PROGRESS between two custom states is a change of state, and none of them is lost."""
    written = record(
        store,
        task_id,
        first.started(),
        first.custom("PARSING"),
        first.progressed(),
        first.custom("CHECKING"),
    )
    reading = read(store, task_id, written[0].version)
    assert [message.state for message in reading.messages] == ["PARSING", "PROGRESS", "CHECKING"]


def test_log_line_leaves_the_status_alone(store: Store, task_id: str) -> None:
    """After a line the version is the line's, the status still its own."""
    started, line = record(store, task_id, first.started(), first.logged())
    reading = read(store, task_id, 0)
    assert reading.version == line.version
    assert (reading.status.version, reading.status.state) == (started.version, State.STARTED)


def test_log_is_trimmed_to_max_events(store: Store, task_id: str, settings: Settings) -> None:
    """The newest MAX_EVENTS are kept; who is further behind has to start over."""
    settings.TASKSTATUS_MAX_EVENTS = 3
    written = record(store, task_id, first.started(), *[first.logged(str(n)) for n in range(5)])
    versions = [message.version for message in written]
    assert [m.version for m in read(store, task_id, 0).messages] == versions[-3:]
    for seen in versions[:2]:
        assert not read(store, task_id, seen).resumes(seen)
    for seen in versions[2:]:
        assert read(store, task_id, seen).resumes(seen)


def test_smaller_max_events_trims_what_is_already_there(
    store: Store, task_id: str, settings: Settings
) -> None:
    """A lowered limit holds from the next message on."""
    written = record(store, task_id, first.started(), *[first.logged(str(n)) for n in range(5)])
    settings.TASKSTATUS_MAX_EVENTS = 2
    (last,) = record(store, task_id, first.logged("last"))
    reading = read(store, task_id, 0)
    assert [m.version for m in reading.messages] == [written[-1].version, last.version]
    assert reading.floor == written[-2].version


def test_kept_interim_state_counts_against_max_events(
    store: Store, task_id: str, settings: Settings
) -> None:
    """A line that keeps the progress before it takes two places."""
    settings.TASKSTATUS_MAX_EVENTS = 2
    started, progress, line = record(
        store, task_id, first.started(), first.progressed(), first.logged()
    )
    reading = read(store, task_id, 0)
    assert [m.version for m in reading.messages] == [progress.version, line.version]
    assert reading.floor == started.version


def test_trimming_never_touches_the_current_status(
    store: Store, task_id: str, settings: Settings
) -> None:
    """However many lines follow it, the status stays."""
    settings.TASKSTATUS_MAX_EVENTS = 1
    progress, *_ = record(
        store, task_id, first.progressed(1), *[first.logged(str(n)) for n in range(3)]
    )
    reading = read(store, task_id, 0)
    assert reading.status.json == progress.json
    assert len(reading.messages) == 1
