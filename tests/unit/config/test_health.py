"""Alive and ready: two questions, answered without a login and without details."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from django.db import DatabaseError

from config import health

if TYPE_CHECKING:
    from django.test import RequestFactory
    from pytest_django.fixtures import Settings


def test_a_process_that_answers_is_alive(rf: RequestFactory) -> None:
    """Nothing else is asked: a restart would not help against a lost Redis."""
    response = health.live(rf.get("/healthz"))
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response.headers["Cache-Control"]


def test_other_methods_are_refused(rf: RequestFactory) -> None:
    """The answers are for reading."""
    assert health.live(rf.post("/healthz")).status_code == 405
    assert health.ready(rf.post("/readyz")).status_code == 405


@pytest.mark.django_db
def test_all_parts_that_answer_make_it_ready(
    rf: RequestFactory, settings: Settings, redis_url: str
) -> None:
    """Redis and the database are asked each time."""
    settings.REDIS_URL = redis_url
    response = health.ready(rf.get("/readyz"))
    assert response.status_code == 200
    assert json.loads(response.content) == {"redis": True, "database": True}


@pytest.mark.django_db
def test_without_redis_it_is_not_ready(rf: RequestFactory, settings: Settings) -> None:
    """The body says which part it is, and no more."""
    settings.REDIS_URL = "redis://:secret@127.0.0.1:1"
    response = health.ready(rf.get("/readyz"))
    assert response.status_code == 503
    assert json.loads(response.content) == {"redis": False, "database": True}


def test_without_a_database_it_is_not_ready(
    rf: RequestFactory, settings: Settings, redis_url: str
) -> None:
    """Likewise for the database."""
    settings.REDIS_URL = redis_url
    with mock.patch.object(health, "connection") as connection:
        connection.cursor.side_effect = DatabaseError
        response = health.ready(rf.get("/readyz"))
    assert response.status_code == 503
    assert json.loads(response.content) == {"redis": True, "database": False}
