"""Tokens: each for one task, one scope and some time, and nothing else opens a task."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from django.core import signing

from taskstatus.access import SALT, make_token, read_token

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


@pytest.mark.parametrize("task_id", ["plain", "ünï ✓", "a/b c", "x" * 255])
def test_token_opens_the_task_that_it_was_made_for(task_id: str) -> None:
    """It says until when, and is safe in a URL."""
    token = make_token(task_id)
    expires = read_token(token, task_id, "read")
    assert expires is not None
    assert expires - time.time() == pytest.approx(86_400, abs=60)
    assert all(character.isalnum() or character in "-_:" for character in token)


def test_token_opens_no_other_task() -> None:
    """Another id, however similar, is another task."""
    assert read_token(make_token("task"), "task2", "read") is None
    assert read_token(make_token("task"), "Task", "read") is None
    assert read_token(make_token("1"), "", "read") is None


def test_token_to_read_does_not_let_one_stop_the_task() -> None:
    """The wider scope has to be asked for."""
    assert read_token(make_token("task"), "task", "cancel") is None
    both = make_token("task", scope="read+cancel")
    assert read_token(both, "task", "cancel")
    assert read_token(both, "task", "read")


def test_token_has_one_of_two_scopes() -> None:
    """A mistake is told to whoever makes the token."""
    with pytest.raises(ValueError, match=r"read, read\+cancel"):
        make_token("task", scope="write")


def test_token_ends() -> None:
    """A token that is past opens nothing; its age may be chosen."""
    assert read_token(make_token("task", max_age=-1), "task", "read") is None
    assert read_token(make_token("task", max_age=0), "task", "read") is None
    expires = read_token(make_token("task", max_age=60), "task", "read")
    assert expires is not None
    assert expires - time.time() == pytest.approx(60, abs=5)


def test_age_of_tokens_is_a_setting(settings: Settings) -> None:
    """A project may want shorter ones."""
    settings.TASKSTATUS_TOKEN_MAX_AGE_SECONDS = 5
    expires = read_token(make_token("task"), "task", "read")
    assert expires is not None
    assert expires - time.time() == pytest.approx(5, abs=4)


def test_tampered_token_opens_nothing() -> None:
    """Not one character can be changed, added or taken away."""
    token = make_token("task")
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        forged = token[:place] + other + token[place + 1 :]
        # The last character of base64 may carry bits that mean nothing.
        assert read_token(forged, "task", "read") is None or place == len(token) - 1
    for forged in ("", ":", "x", token[:-2], f"{token}x", f"a{token}", token.replace(":", "")):
        assert read_token(forged, "task", "read") is None


@pytest.mark.parametrize(
    "content",
    [
        "task",
        None,
        7,
        {},
        [],
        ["task"],
        ["task", "read"],
        ["task", "read", "soon"],
        ["task", "read", None],
        ["task", ["read"], 9e12],
        ["task", {}, 9e12],
        ["task", "write", 9e12],
        ["task", "read", 9e12, "more"],
        {"task": 1, "read": 2, "x": 3},
    ],
)
def test_well_signed_nonsense_opens_nothing(content: object) -> None:
    """Even what another version has signed raises nothing here."""
    assert read_token(signing.dumps(content, salt=SALT), "task", "read") is None


def test_token_of_another_purpose_opens_nothing(settings: Settings) -> None:
    """What the project signs for something else, or with another key, is no token."""
    expires = time.time() + 60
    assert read_token(signing.dumps(["task", "read", expires]), "task", "read") is None
    token = make_token("task")
    settings.SECRET_KEY = "another one"
    assert read_token(token, "task", "read") is None
