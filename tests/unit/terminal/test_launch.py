"""Enqueuing a task by its name."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from celery import Celery, current_app

from taskstatus import get_status
from taskstatus.terminal.launch import BrokerUnavailable, LaunchError, enqueue
from taskstatus.testing import memory_store
from tests.project.celery import app

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _project_app() -> Iterator[None]:
    """Make the test project's application the current one, as in its own processes."""
    with current(app):
        yield


@contextlib.contextmanager
def current(chosen: Celery) -> Iterator[None]:
    """Make an application the current one for a while."""
    before = current_app._get_current_object()  # type: ignore[attr-defined]
    chosen.set_current()
    try:
        yield
    finally:
        before.set_current()


def test_a_task_is_known_before_its_id_is_returned() -> None:
    """It can be followed from then on."""
    status = get_status(enqueue("tests.add", [1, 2], {}, force=False))
    assert status is not None
    assert (status.name, status.state) == ("tests.add", "PENDING")


def test_a_misspelt_name_is_answered_with_the_closest_ones() -> None:
    """People leave the module out, or a letter."""
    with pytest.raises(LaunchError, match=r"Is it .*tests\.count\b"):
        enqueue("tests.coutn", [], {}, force=False)
    with pytest.raises(LaunchError, match=r"Is it .*tests\.speak\b"):
        enqueue("speak", [], {}, force=False)


def test_a_name_that_resembles_none_is_answered_with_all() -> None:
    """So that one sees what there is; Celery's own are not to be called."""
    with pytest.raises(LaunchError, match=r"It has [a-z_]+\.[a-z_]+, ") as raised:
        enqueue("xyz", [], {}, force=False)
    assert "celery." not in str(raised.value)


def test_a_strange_name_can_be_forced() -> None:
    """Another project's worker may have it."""
    status = get_status(enqueue("elsewhere.job", [1], {}, force=True))
    assert status is not None
    assert (status.name, status.state) == ("elsewhere.job", "PENDING")


def test_arguments_that_a_task_does_not_take_are_refused() -> None:
    """Before the worker would have to."""
    with pytest.raises(LaunchError, match=r"tests\.add can't be called like this: .*'y'"):
        enqueue("tests.add", [1], {}, force=False)


def test_an_eager_task_has_run() -> None:
    """With task_always_eager there is no broker."""
    app.conf.task_always_eager = True
    try:
        status = get_status(enqueue("tests.add", [1], {"y": 2}, force=False))
    finally:
        app.conf.task_always_eager = False
    assert status is not None
    assert (status.state, status.result) == ("SUCCESS", 3)


def test_without_a_broker_nothing_is_recorded() -> None:
    """A task that was never sent must not look as if it waited."""
    lonely = Celery("lonely", broker="redis://127.0.0.1:1/0", set_as_current=False)
    with current(lonely), memory_store() as store:
        with pytest.raises(BrokerUnavailable, match=r"not enqueued: .*refused\."):
            enqueue("elsewhere.lonely", [], {}, force=True)
        assert not store.recent(1).statuses


def test_a_broker_url_that_means_nothing_is_told() -> None:
    """In a sentence, not as a KeyError."""
    lonely = Celery("lonely", broker="nonsense://", set_as_current=False)
    with current(lonely), pytest.raises(LaunchError, match="No such transport: nonsense"):
        enqueue("elsewhere.lonely", [], {}, force=True)


def test_a_project_that_loads_no_application_is_told_how_to() -> None:
    """Celery makes one up then, which has no tasks."""
    made_up = Celery("default", set_as_current=False)
    with current(made_up), pytest.raises(LaunchError, match=r"import it in the __init__\.py"):
        enqueue("tests.add", [], {}, force=False)
