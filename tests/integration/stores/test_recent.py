"""The tasks that have changed last."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from taskstatus.states import State
from taskstatus.stores import redis as redis_module
from tests.integration.stores.steps import Speaker, failed, pending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskstatus.stores import Listing, Store
    from taskstatus.stores.redis import RedisStore


@pytest.fixture
def ids(store: Store) -> list[str]:
    """Return the ids of three tasks, in the order of their last change."""
    ids = [str(uuid.uuid4()) for _ in range(3)]
    for task_id in reversed(ids):
        store.record(pending()(task_id))
    store.record(Speaker(number=1).started()(ids[0]))
    store.record(failed()(ids[1]))
    store.record(Speaker(number=1).started()(ids[2]))
    store.record(Speaker(number=1).logged("a line is no change of the status")(ids[0]))
    return ids


def listed(listing: Listing, ids: Sequence[str]) -> list[int]:
    """Return which of these tasks are listed; others may be in the same Redis."""
    found = [next((i for i in ids if i in status.json), None) for status in listing.statuses]
    return [ids.index(task_id) for task_id in found if task_id is not None]


def test_the_newest_comes_first(store: Store, ids: list[str]) -> None:
    """By the last change of the status."""
    assert listed(store.recent(10_000), ids) == [2, 1, 0]


def test_it_is_no_more_than_asked_for(store: Store, ids: list[str]) -> None:
    """The newest of them."""
    state = f"PARSING {uuid.uuid4()}"
    for task_id in ids[:1] + ids[2:]:
        store.record(Speaker(number=2).custom(state)(task_id))
    listing = store.recent(1, {state})
    assert listing.complete
    assert len(listing.statuses) == 1
    assert listed(listing, ids) == [2]


def test_it_can_be_by_state(store: Store, ids: list[str]) -> None:
    """One or more."""
    assert listed(store.recent(10_000, {State.FAILURE}), ids) == [1]
    assert listed(store.recent(10_000, {State.FAILURE, State.STARTED}), ids) == [2, 1, 0]
    assert listed(store.recent(10_000, {"PARSING"}), ids) == []


def test_what_is_not_ours_is_passed_over(redis_store: RedisStore) -> None:
    """Whoever has put it there."""
    name = f"taskstatus:{{{uuid.uuid4()}}}:status"
    redis_store._client.set(name, "a string")
    try:
        assert redis_store.recent(1).complete
    finally:
        redis_store._client.delete(name)


def test_a_redis_with_very_many_keys_is_not_searched_for_ever(
    redis_store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not looked at is told."""
    monkeypatch.setattr(redis_module, "SCAN", 1)
    monkeypatch.setattr(redis_module, "MAX_SCANNED", 2)
    for _ in range(20):
        redis_store.record(pending()(str(uuid.uuid4())))
    assert not redis_store.recent(100).complete
