"""Python's collector where streams are served: what is new is walked, what stays is set aside."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from taskstatus import collector
from taskstatus.collector import Collector, tend_collector, tune_collector
from taskstatus.consumers import SseConsumer
from taskstatus.counts import Counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.fixtures import Settings


class Thing:
    """Something that may hold itself."""

    def __init__(self, *, circle: bool = False) -> None:
        self.myself = self if circle else None


@pytest.fixture
def python_s() -> Iterator[None]:
    """Have Python's collector as Python sets it, whatever the tests' process does."""
    thresholds, callbacks = gc.get_threshold(), gc.callbacks[:]
    gc.set_threshold(*collector.DEFAULTS[0])
    yield
    gc.enable()
    gc.set_threshold(*thresholds)
    gc.callbacks[:] = callbacks
    gc.unfreeze()


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    """Return the counts of a process without streams."""
    counts = Counts()
    monkeypatch.setattr(collector, "COUNTS", counts)
    return counts


@pytest.fixture
def tuned(python_s: None, counts: Counts) -> Collector:
    """Return a collector that has begun."""
    tuned = Collector()
    tuned.begin()
    return tuned


@pytest.fixture
def undecided(python_s: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a process that has not served a stream yet."""
    monkeypatch.setattr(collector, "_decided", False)
    monkeypatch.setattr(collector, "_collector", None)


def is_walked(thing: object) -> bool:
    """Return whether the next full collection comes by here."""
    return any(known is thing for known in gc.get_objects())


def test_survivor_of_a_full_collection_is_set_aside(tuned: Collector) -> None:
    """The next one does not walk it again; a smaller one sets nothing aside."""
    thing = Thing()
    gc.collect(1)
    assert is_walked(thing)
    gc.collect()
    assert not is_walked(thing)


def test_new_circle_is_collected(tuned: Collector) -> None:
    """As ever."""
    gone = weakref.ref(Thing(circle=True))
    gc.collect()
    assert gone() is None


def test_what_is_set_aside_is_freed_when_nobody_holds_it(tuned: Collector) -> None:
    """Counting references needs no collector."""
    thing = Thing()
    gone = weakref.ref(thing)
    gc.collect()
    del thing
    assert gone() is None


def grown(objects: int) -> list[list[object]]:
    """Return so many new objects that were set aside."""
    things: list[list[object]] = [[] for _ in range(objects)]
    gc.collect()
    return things


def test_circle_that_was_set_aside_is_found_when_there_is_too_much(tuned: Collector) -> None:
    """Until then it stays."""
    circle = Thing(circle=True)
    gone = weakref.ref(circle)
    gc.collect()
    del circle
    tuned.tend()
    assert gone() is not None
    things = grown(int(gc.get_freeze_count() * collector.GROWTH))
    tuned.tend()
    assert gone() is None
    assert things
    # What is there now is no longer too much.
    again = Thing(circle=True)
    gone = weakref.ref(again)
    gc.collect()
    del again
    tuned.tend()
    assert gone() is not None


def test_open_streams_account_for_what_is_set_aside(tuned: Collector, counts: Counts) -> None:
    """Ten thousand of them are no reason to look for circles, for a second."""
    circle = Thing(circle=True)
    gone = weakref.ref(circle)
    gc.collect()
    del circle
    objects = int(gc.get_freeze_count() * collector.GROWTH)
    counts.open["websocket"] = objects // collector.STREAM_OBJECTS
    things = grown(objects)
    tuned.tend()
    assert gone() is not None
    assert things


def test_nothing_is_counted_while_there_cannot_be_too_much(
    tuned: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting walks all objects as well."""
    monkeypatch.setattr(gc, "get_freeze_count", lambda: pytest.fail("It was counted"))
    gc.collect()
    tuned.tend()


def test_end_leaves_the_collector_as_it_was(python_s: None) -> None:
    """Nothing is set aside any more, and nothing will be."""
    before = gc.get_threshold(), gc.callbacks[:]
    tuned = Collector()
    tuned.begin()
    assert gc.get_threshold() == collector.THRESHOLDS
    tuned.end()
    assert (gc.get_threshold(), gc.callbacks) == before
    assert gc.get_freeze_count() == 0


def is_tuned() -> bool:
    """Return whether the process has been tuned."""
    return gc.get_threshold() == collector.THRESHOLDS


def test_process_is_tuned_once(undecided: None) -> None:
    """Whoever sets Python's collector afterwards means it."""
    tend_collector()
    tune_collector()
    assert is_tuned()
    gc.set_threshold(1_000)
    tune_collector()
    tend_collector()
    assert not is_tuned()


@pytest.mark.usefixtures("undecided")
@pytest.mark.parametrize(
    "touch",
    [gc.disable, gc.freeze, lambda: gc.set_threshold(10_000), lambda: gc.set_threshold(0)],
)
def test_collector_that_was_touched_is_left_alone(touch: Any) -> None:
    """A project that has rules of its own for it keeps them."""
    touch()
    before = gc.isenabled(), gc.get_threshold(), gc.callbacks[:], gc.get_freeze_count()
    tune_collector()
    after = gc.isenabled(), gc.get_threshold(), gc.callbacks, gc.get_freeze_count()
    # A few of the objects that are set aside come and go.
    assert after[:3] == before[:3]
    assert after[3] <= before[3]


@pytest.mark.usefixtures("undecided")
@pytest.mark.parametrize(
    ("name", "value"),
    [("implementation.name", "pypy"), ("version_info", (3, 14, 0))],
)
def test_other_collectors_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    """Other Pythons collect by other rules."""
    monkeypatch.setattr(f"taskstatus.collector.sys.{name}", value)
    tune_collector()
    assert not is_tuned()


@pytest.mark.usefixtures("undecided")
def test_python_without_its_lock_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its collector has no generations."""
    monkeypatch.setattr("taskstatus.collector.sysconfig.get_config_var", lambda name: 1)
    tune_collector()
    assert not is_tuned()


def test_setting_turns_it_off(undecided: None, settings: Settings) -> None:
    """For a project that hunts a leak, for instance."""
    settings.TASKSTATUS_TUNE_COLLECTOR = False
    tune_collector()
    assert not is_tuned()


async def test_first_connection_tunes_the_process(undecided: None) -> None:
    """Everything is imported by then; a worker, or a command, serves none."""

    async def receive() -> dict[str, Any]:
        assert is_tuned()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        raise AssertionError(message)

    assert not is_tuned()
    await SseConsumer()({"type": "http", "method": "GET"}, receive, send)
    assert is_tuned()
