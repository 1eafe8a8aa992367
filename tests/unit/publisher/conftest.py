"""A store that is published to, and what the groups are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskstatus import groups, outbox, publisher
from taskstatus.outbox import Outbox
from taskstatus.publisher import flush
from taskstatus.unanswered import Unanswered
from tests.unit.publisher.stores import MoodyStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskstatus.messages import Message

SOON = 10.0


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[MoodyStore]:
    """Yield the store that is published to."""
    store = MoodyStore()
    monkeypatch.setattr(outbox, "RETRY_SECONDS", 0.005)
    monkeypatch.setattr(publisher, "get_store", lambda: store)
    monkeypatch.setattr(publisher, "_outbox", Outbox(publisher._send_later))
    monkeypatch.setattr(publisher, "_unanswered", Unanswered())
    monkeypatch.setattr(publisher, "_slow_until", 0.0)
    monkeypatch.setattr(publisher, "_was_slow", False)
    monkeypatch.setattr(publisher, "_asked_to_stop", set())
    yield store
    store.raises = None
    assert flush(SOON)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Message]]:
    """Return what the groups are told."""
    sent: list[tuple[str, Message]] = []
    monkeypatch.setattr(groups, "send", lambda task_id, message: sent.append((task_id, message)))
    return sent
