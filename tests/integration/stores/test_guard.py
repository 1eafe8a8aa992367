"""Which changes count, and which come too late: the same rules in each store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from taskstatus import changes
from taskstatus.states import State
from tests.integration.stores.steps import (
    Speaker,
    Step,
    again,
    failed,
    marked,
    pending,
    play,
    received,
    retried_elsewhere,
    revoked,
    succeeded_elsewhere,
)

if TYPE_CHECKING:
    from taskstatus.stores import Reading, Store

first = Speaker(number=10)
#: Another delivery of the same attempt: redelivered, or run again by hand.
second = Speaker(number=20)
#: The next attempt; its run may well begin before the clock of the first one's worker.
retry = Speaker(number=5, attempt=1)
#: In µs.
HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """After ``given``, ``then`` counts or does not."""

    says: str
    given: tuple[Step, ...]
    then: Step
    counts: bool


RUNNING = (pending(), received(), first.started())
RETRIED = (*RUNNING, first.retried())
FAILED = (*RUNNING, first.failed())
REVOKED = (*RUNNING, revoked())
SUCCEEDED = (*RUNNING, first.succeeded())
REPLACED = (*RUNNING, first.replaced())

DROPPED, COUNTS = False, True

RULES = [
    # Within a run nothing goes back.
    Rule("RECEIVED after STARTED is late", RUNNING, received(), DROPPED),
    Rule("PENDING after STARTED is late", RUNNING, pending(), DROPPED),
    Rule("PENDING after RECEIVED is late", (pending(), received()), pending(), DROPPED),
    Rule("RECEIVED again is news", (pending(), received()), received(), COUNTS),
    Rule("PROGRESS after STARTED", RUNNING, first.progressed(), COUNTS),
    Rule("a custom state after PROGRESS", (*RUNNING, first.progressed()), first.custom(), COUNTS),
    Rule("PROGRESS after a custom state", (*RUNNING, first.custom()), first.progressed(), COUNTS),
    Rule("FAILURE from the worker's main process", RUNNING, failed(), COUNTS),
    Rule("REVOKED before the start", (pending(),), revoked(), COUNTS),
    # What has ended stays so.
    Rule("PROGRESS after SUCCESS is late", SUCCEEDED, first.progressed(), DROPPED),
    Rule("a log line after SUCCESS is late", SUCCEEDED, first.logged(), DROPPED),
    Rule("FAILURE after SUCCESS is late", SUCCEEDED, first.failed(), DROPPED),
    Rule("SUCCESS twice is told once", SUCCEEDED, first.succeeded(), DROPPED),
    Rule("FAILURE twice is told once", FAILED, failed(), DROPPED),
    Rule("SUCCESS after FAILURE is late", FAILED, first.succeeded(), DROPPED),
    Rule("SUCCESS after REVOKED is late", REVOKED, first.succeeded(), DROPPED),
    Rule("a custom state after REVOKED is late", REVOKED, first.custom(), DROPPED),
    Rule("a custom state of a newer run after FAILURE", FAILED, second.custom(), DROPPED),
    Rule("PENDING after FAILURE is late", FAILED, pending(), DROPPED),
    # A task may be run again after it failed or was revoked, not after it ended otherwise.
    Rule("STARTED of a newer run after FAILURE", FAILED, second.started(), COUNTS),
    Rule("STARTED of a newer run after REVOKED", REVOKED, second.started(), COUNTS),
    Rule("STARTED of a later attempt after FAILURE", FAILED, retry.started(), COUNTS),
    Rule("STARTED of the same run after FAILURE is late", FAILED, first.started(), DROPPED),
    Rule("STARTED of a newer run after SUCCESS", SUCCEEDED, second.started(), DROPPED),
    Rule(
        "STARTED of a newer run after IGNORED",
        (*RUNNING, first.ended(State.IGNORED)),
        second.started(),
        DROPPED,
    ),
    Rule(
        "STARTED of a newer run after REJECTED",
        (*RUNNING, first.ended(State.REJECTED)),
        second.started(),
        DROPPED,
    ),
    # RETRY opens the next attempt, and closes the one before.
    Rule("RETRY after STARTED", RUNNING, first.retried(), COUNTS),
    Rule("RECEIVED of the next attempt", RETRIED, received(), COUNTS),
    Rule("STARTED of the next attempt", RETRIED, retry.started(), COUNTS),
    Rule("PROGRESS of the attempt before", RETRIED, first.progressed(), DROPPED),
    Rule("STARTED of the attempt before", RETRIED, second.started(), DROPPED),
    Rule("FAILURE by the attempt before", RETRIED, first.failed(), DROPPED),
    Rule("RETRY told twice", RETRIED, first.retried(), DROPPED),
    Rule(
        "PROGRESS of the attempt before, when the next one runs",
        (*RETRIED, retry.started()),
        first.progressed(),
        DROPPED,
    ),
    # The worker's main process asks for the next attempt when the child is lost.
    Rule("RETRY by nobody's run", RUNNING, retried_elsewhere(), COUNTS),
    Rule("STARTED after it", (*RUNNING, retried_elsewhere()), retry.started(), COUNTS),
    Rule("PROGRESS of the lost", (*RUNNING, retried_elsewhere()), first.progressed(), DROPPED),
    Rule("RETRY by nobody's run, told twice", RETRIED, retried_elsewhere(), DROPPED),
    Rule(
        "RETRY by nobody's run when that attempt runs",
        (*RETRIED, retry.started()),
        retried_elsewhere(),
        DROPPED,
    ),
    Rule("RETRY by nobody's run after SUCCESS", SUCCEEDED, retried_elsewhere(), DROPPED),
    # A task that is put back in its queue begins the same attempt anew.
    Rule("PENDING again of a requeued task", RUNNING, first.requeued(), COUNTS),
    Rule("RECEIVED of a requeued task", (*RUNNING, first.requeued()), received(), COUNTS),
    Rule("STARTED of a requeued task", (*RUNNING, first.requeued()), second.started(), COUNTS),
    Rule("a requeue after the end", FAILED, first.requeued(), DROPPED),
    # A replaced task begins anew, under the same id and attempt.
    Rule("RECEIVED after a replacement", REPLACED, received(), COUNTS),
    Rule("STARTED after a replacement", REPLACED, second.started(), COUNTS),
    Rule("SUCCESS after a replacement", (*REPLACED, second.started()), second.succeeded(), COUNTS),
    # Of two live deliveries the newer one speaks; but whichever succeeds has done the work.
    Rule("STARTED of a newer run", RUNNING, second.started(), COUNTS),
    Rule("PROGRESS of a newer run whose start was missed", RUNNING, second.progressed(), COUNTS),
    Rule("PROGRESS of the older run", (*RUNNING, second.started()), first.progressed(), DROPPED),
    Rule("FAILURE of the older run", (*RUNNING, second.started()), first.failed(), DROPPED),
    Rule("RETRY of the older run", (*RUNNING, second.started()), first.retried(), DROPPED),
    Rule("SUCCESS of the older run", (*RUNNING, second.started()), first.succeeded(), COUNTS),
    Rule("a log line of the older run", (*RUNNING, second.started()), first.logged(), COUNTS),
    # Who cannot know the run speaks for the current one.
    Rule("REVOKED by nobody's run", (*RUNNING, second.started()), revoked(), COUNTS),
    Rule("FAILURE by nobody's run", (*RETRIED, retry.started()), failed(), COUNTS),
    Rule("SUCCESS from the result backend", RUNNING, succeeded_elsewhere(), COUNTS),
    Rule("SUCCESS from the result backend after FAILURE", FAILED, succeeded_elsewhere(), DROPPED),
    # A mark is for the state that it was decided in, and only once.
    Rule("stalled", RUNNING, marked("STARTED"), COUNTS),
    Rule("stalled, told twice", (*RUNNING, marked("STARTED")), marked("STARTED"), DROPPED),
    Rule("stalled in a state that is over", RUNNING, marked("RECEIVED"), DROPPED),
    Rule("not stalled, when it never was", RUNNING, marked("STARTED", stalled=False), DROPPED),
    Rule(
        "not stalled any more",
        (*RUNNING, marked("STARTED")),
        marked("STARTED", stalled=False),
        COUNTS,
    ),
    Rule("stalled after SUCCESS", SUCCEEDED, marked("SUCCESS"), DROPPED),
    Rule("PROGRESS of a stalled task", (*RUNNING, marked("STARTED")), first.progressed(), COUNTS),
    Rule("RECEIVED of a stalled task", (*RUNNING, marked("STARTED")), received(), DROPPED),
    # A worker repeats what it has, for a store that has lost it.
    Rule("STARTED said again", RUNNING, again(State.STARTED), DROPPED),
    Rule("RECEIVED said again", (pending(), received()), again(State.RECEIVED), DROPPED),
    Rule("STARTED said again after FAILURE", FAILED, again(State.STARTED), DROPPED),
    Rule("STARTED said again after a retry", RETRIED, again(State.STARTED), DROPPED),
    Rule("STARTED said again of an unknown task", (), again(State.STARTED), COUNTS),
    Rule("PROGRESS after it", (again(State.STARTED),), first.progressed(), COUNTS),
    Rule("a log line after it", (again(State.STARTED),), first.logged(), COUNTS),
    Rule("FAILURE after it", (again(State.STARTED),), first.failed(), COUNTS),
    # A task that nobody had heard of.
    Rule("PENDING", (), pending(), COUNTS),
    Rule("RECEIVED of an unknown task", (), received(), COUNTS),
    Rule("STARTED of an unknown task", (), first.started(), COUNTS),
    Rule("FAILURE of an unknown task", (), failed(), COUNTS),
    Rule("a log line of an unknown task", (), first.logged(), COUNTS),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.says.replace(" ", "-"))
def test_a_change_counts_or_comes_too_late(store: Store, task_id: str, rule: Rule) -> None:
    """Each rule of the guard decides, and what is dropped leaves no trace."""
    given = play(store, task_id, *rule.given)
    assert None not in given
    before = store.read(task_id, 0)
    (message,) = play(store, task_id, rule.then)
    assert (message is not None) is rule.counts
    after = store.read(task_id, 0)
    if message is None:
        assert _seen(after) == _seen(before)
    else:
        assert after is not None
        assert after.version == message.version


def _seen(reading: Reading | None) -> object:
    """Return what of a reading can be compared."""
    if reading is None:
        return None
    messages = [message.json for message in reading.messages]
    return (reading.version, reading.floor, reading.status.json, messages)


def test_retried_task_ends_in_its_next_attempt(store: Store, task_id: str) -> None:
    """A whole life with a retry ends in SUCCESS, each state in turn."""
    steps = [*RETRIED, received(), retry.started(), retry.progressed(), retry.succeeded()]
    states = [message.state for message in play(store, task_id, *steps) if message]
    assert states == [
        State.PENDING,
        State.RECEIVED,
        State.STARTED,
        State.RETRY,
        State.RECEIVED,
        State.STARTED,
        State.PROGRESS,
        State.SUCCESS,
    ]


def test_new_run_clears_what_the_failed_one_left(store: Store, task_id: str) -> None:
    """STARTED after FAILURE has neither its error nor its end nor its progress."""
    steps = [*RUNNING, first.progressed(), first.failed(), second.started()]
    message = play(store, task_id, *steps)[-1]
    assert message is not None
    for cleared in ('"progress":null', '"error":null', '"error_type":null', '"finished_at":null'):
        assert cleared in message.json


@pytest.mark.parametrize("hours", [-1, 1])
def test_workers_clocks_do_not_decide_which_run_is_newer(
    store: Store, task_id: str, hours: int
) -> None:
    """The run that began later speaks, although its worker's clock is an hour off."""
    older = replace(first.run(task_id), number=HOUR * 10)
    newer = replace(second.run(task_id), number=HOUR * (10 + hours))
    play(store, task_id, pending(), received())
    assert store.record(changes.started(older)) is not None
    assert store.record(changes.started(newer)) is not None
    assert store.record(changes.progressed(older, {"current": 1})) is None
    assert store.record(changes.started(older)) is None
    assert store.record(changes.progressed(newer, {"current": 2})) is not None
    assert store.record(changes.failed(task_id, ValueError("no"), older)) is None
    assert store.record(changes.failed(task_id, ValueError("no"), newer)) is not None


def test_change_that_is_sent_again_counts_once(store: Store, task_id: str) -> None:
    """The record knows the last changes by their keys, those of several processes."""
    play(store, task_id, *RUNNING)
    lines = [first.logged(f"line {number}")(task_id) for number in range(4)]
    for number, line in enumerate(lines):
        assert store.record(line, key=f"{number % 2}.{number}") is not None
    before = store.read(task_id, 0)
    for number, line in enumerate(lines):
        assert store.record(line, key=f"{number % 2}.{number}") is None
    assert _seen(store.read(task_id, 0)) == _seen(before)
    # A key that is the beginning or the end of another one is another; without a key all count.
    for key in ("1.", "3", "", ""):
        assert store.record(lines[0], key=key) is not None


def test_status_that_is_sent_again_counts_once(store: Store, task_id: str) -> None:
    """Not only lines: a repeated PROGRESS is no news."""
    play(store, task_id, *RUNNING)
    change = first.progressed(3)(task_id)
    assert store.record(change, key="p.1") is not None
    assert store.record(change, key="p.1") is None
