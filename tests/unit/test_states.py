"""The states, and the facts that go with each."""

from __future__ import annotations

import pytest
from celery import states as celery_states

from taskstatus.states import READY, RESTARTABLE, State, is_interim, is_ready, rank

#: state, terminal, may be conflated: the whole of it on one screen.
TABLE = [
    ("PENDING", False, False),
    ("RECEIVED", False, False),
    ("STARTED", False, False),
    ("PROGRESS", False, True),
    ("PARSING", False, True),
    ("", False, True),
    ("RETRY", False, False),
    ("SUCCESS", True, False),
    ("FAILURE", True, False),
    ("REVOKED", True, False),
    ("REJECTED", True, False),
    ("IGNORED", True, False),
]


@pytest.mark.parametrize(("state", "ready", "interim"), TABLE)
def test_state_is_terminal_or_interim_or_neither(state: str, *, ready: bool, interim: bool) -> None:
    """Each state says whether it ends the task, and whether a newer one may stand for it."""
    assert is_ready(state) is ready
    assert is_interim(state) is interim


def test_every_state_is_in_the_table() -> None:
    """A state that is added has to be thought about here."""
    assert set(State) <= {state for state, _, _ in TABLE}


def test_names_are_those_of_celery() -> None:
    """Where Celery has the state, it has the same name."""
    for name in celery_states.ALL_STATES:
        assert State(name) == name
    assert celery_states.REJECTED == State.REJECTED
    assert celery_states.IGNORED == State.IGNORED
    assert celery_states.READY_STATES < READY


def test_state_and_its_name_are_the_same_key() -> None:
    """Whatever is kept by state is found by the plain string that the store gives back."""
    by_state: dict[str, State] = {state: state for state in State}
    assert [by_state[str(state.value)] for state in State] == list(State)


def test_run_never_goes_back() -> None:
    """Along a life the rank never falls, and states of the body share one."""
    life = ["PENDING", "RECEIVED", "STARTED", "PROGRESS", "PARSING", "RETRY", "SUCCESS"]
    ranks = [rank(state) for state in life]
    assert ranks == sorted(ranks)
    assert rank("STARTED") == rank("PROGRESS") == rank("PARSING")
    assert {rank(state) for state in READY} == {rank("SUCCESS")}


def test_only_a_task_that_did_not_do_its_work_may_be_run_again() -> None:
    """SUCCESS stays for good, and so does what the task has said of itself."""
    assert sorted(RESTARTABLE) == [State.FAILURE, State.REVOKED]
    assert RESTARTABLE < READY
