"""``manage.py task start``: what is printed of a task that it sends."""

from __future__ import annotations

import json
from typing import Any

import pytest

import tests.project.celery
from taskstatus.access import read_token
from tests.unit.task_command.calling import task

app = tests.project.celery.app


@pytest.fixture
def eager() -> Any:
    """Run tasks where they are called."""
    app.set_current()
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def test_start_json_prints_one_object(eager: None) -> None:
    """With these three keys, and URLs that hold no token."""
    arguments = ["start", "tests.add", "--args", "[1, 2]", "--base-url", "https://example.org"]
    code, text = task(*arguments, "--json")
    started = json.loads(text)
    assert code == 0
    assert started.keys() == {"task_id", "token", "urls"}
    assert started["urls"] == {
        "websocket": f"wss://example.org/ws/task_status/{started['task_id']}/",
        "sse": f"https://example.org/sse/task_status/{started['task_id']}/",
        "longpoll": f"https://example.org/poll/task_status/{started['task_id']}/",
    }
    assert read_token(started["token"], started["task_id"], "read")


def test_start_prints_id_token_and_urls(eager: None) -> None:
    """One a line, to be copied."""
    lines = task("start", "tests.add", "--kwargs", '{"x": 1, "y": 2}')[1].splitlines()
    labels = [line.split()[0] for line in lines]
    assert labels == ["Task", "Token", "WebSocket", "Events", "Long-poll"]
    assert lines[-1].split()[1].startswith("http://localhost:8000/poll/task_status/")


def test_start_and_follow_misses_nothing(eager: None) -> None:
    """A task can be over before anybody looks; its log lines are shown all the same."""
    arguments = ["start", "tests.speak", "--args", '[["one", "two"]]', "--follow", "--json"]
    code, text = task(*arguments)
    first, *messages = [json.loads(line) for line in text.splitlines()]
    assert code == 0
    assert "task_id" in first
    assert [message.get("message", message.get("state")) for message in messages] == [
        "STARTED",
        "one",
        "two",
        "SUCCESS",
    ]


def test_start_and_follow_exits_as_the_task_did(eager: None) -> None:
    """As follow does."""
    code, text = task("start", "tests.fail", "--args", '["no way"]', "--follow")
    assert code == 1
    assert text.endswith("ValueError: no way\n")
