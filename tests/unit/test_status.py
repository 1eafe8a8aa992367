"""TaskStatus: the message as a value."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from taskstatus import get_status
from taskstatus.messages import status_json
from taskstatus.status import Progress, TaskStatus
from taskstatus.testing import TaskDriver


def test_status_is_read_from_its_message() -> None:
    """Each key of the message is a field, with a type to work with."""
    task = TaskDriver()
    task.pending()
    task.started()
    task.progress(1, 4, "a quarter")
    found = get_status(task.task_id)
    assert found is not None
    assert (found.task_id, found.name, found.state) == (task.task_id, task.name, "PROGRESS")
    assert found.progress == Progress(current=1, total=4, percent=25, message="a quarter")
    assert found.started_at is not None
    assert found.started_at.tzinfo == UTC
    assert found.ready is False
    assert found.cursor == str(found.version)


def test_a_task_whose_worker_is_gone_is_stalled() -> None:
    """As a driven task can say that it is, too."""
    task = TaskDriver()
    task.started()
    task.progress(1, 4)
    task.stalled()
    found = get_status(task.task_id)
    assert found is not None
    assert (found.state, found.stalled) == ("PROGRESS", True)


def test_status_has_the_keys_of_the_message() -> None:
    """What the protocol says of a status, this says of it, too."""
    fields = {field.name for field in dataclasses.fields(TaskStatus)}
    keys = set(json.loads(status_json("id", "PENDING", 1, {"result_omitted": '"not-json"'})))
    assert fields == keys - {"type"}


def test_status_comes_back_as_it_was() -> None:
    """Whatever the state, nothing is lost on the way."""
    fields = {
        "result": '{"rows":[1,2]}',
        "result_omitted": '"too-large"',
        "finished_at": '"2026-01-02T03:04:05.678901Z"',
        "retries": "3",
        "stalled": "true",
        "group_id": '"g"',
    }
    found = TaskStatus.from_json(status_json("ünï ✓", "SUCCESS", 7, fields).encode())
    assert found.finished_at == datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert (found.result, found.result_omitted) == ({"rows": [1, 2]}, "too-large")
    assert (found.retries, found.stalled, found.ready) == (3, True, True)
    assert (found.task_id, found.group_id, found.parent_id) == ("ünï ✓", "g", None)


def test_unknown_keys_are_ignored() -> None:
    """A message of a later version of the protocol can be read."""
    message = json.loads(status_json("id", "STARTED", 7, {}))
    progress = {"current": 1, "unit": "rows"}
    later = json.dumps({**message, "reset": True, "colour": "red", "progress": progress})
    found = TaskStatus.from_json(later)
    assert found.state == "STARTED"
    assert found.progress == Progress(current=1)


@pytest.mark.parametrize("text", ["", "{", "nonsense"])
def test_what_is_not_json_is_a_value_error(text: str) -> None:
    """It says so by the usual exception."""
    with pytest.raises(json.JSONDecodeError):
        TaskStatus.from_json(text)


@pytest.mark.parametrize("text", ["{}", '{"task_id":"id"}', "[]", "7", "null", '"status"'])
def test_what_is_no_status_is_a_type_error(text: str) -> None:
    """It says so by the usual exception."""
    with pytest.raises(TypeError):
        TaskStatus.from_json(text)


def test_status_cannot_be_changed() -> None:
    """It is a value of one moment."""
    found = TaskStatus.from_json(status_json("id", "STARTED", 7, {}))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.state = "SUCCESS"  # type: ignore[misc]
