"""Each thing that can go wrong has one form over HTTP and one over WebSocket."""

from __future__ import annotations

import json

import pytest

from taskstatus import problems
from taskstatus.exceptions import (
    AlreadyFinished,
    BadRequest,
    Forbidden,
    Restarting,
    SettingError,
    SlowReader,
    StoreUnavailable,
    TaskStatusError,
    TooManyConnections,
    TooManyTasks,
    UnknownTask,
)
from taskstatus.problems import Problem, problem_of

#: error, HTTP status, code, close code (PROTOCOL §4, §7).
TABLE = [
    (BadRequest("why"), 400, "bad_request", 4400),
    (Forbidden(), 403, "forbidden", 4403),
    (UnknownTask(), 404, "unknown_task", 4404),
    (AlreadyFinished(), 409, "already_finished", 1000),
    (TooManyConnections(), 429, "too_many_connections", 4429),
    (TooManyTasks(), 429, "too_many_tasks", 4429),
    (SlowReader(), 503, "too_slow", 4408),
    (Restarting(), 503, "restarting", 4412),
    (StoreUnavailable(), 503, "store_unavailable", 4412),
]


@pytest.mark.parametrize(("error", "status", "code", "close_code"), TABLE)
def test_error_has_a_status_and_a_close_code(
    error: TaskStatusError, status: int, code: str, close_code: int
) -> None:
    """What a client is told follows from the error alone."""
    problem = problem_of(error)
    assert (problem.status, problem.code, problem.close_code) == (status, code, close_code)


def test_every_error_that_a_client_can_meet_is_in_the_table() -> None:
    """An error that is added has to be thought about here."""
    known = {type(error) for error, *_ in TABLE} | {SettingError}
    assert set(TaskStatusError.__subclasses__()) == known


def test_other_errors_are_not_explained_away() -> None:
    """A mistake of the operator's is raised, not told to a client."""
    with pytest.raises(SettingError):
        problem_of(SettingError("wrong"))


def everything() -> list[Problem]:
    """Return all problems that there are."""
    return [value for value in vars(problems).values() if isinstance(value, Problem)]


@pytest.mark.parametrize("problem", everything(), ids=lambda problem: problem.code)
def test_body_is_problem_json(problem: Problem) -> None:
    """The four members of RFC 9457 that we use are there, in UTF-8."""
    body = json.loads(problem.body)
    assert list(body) == ["title", "status", "detail", "code"]
    assert (body["status"], body["code"]) == (problem.status, problem.code)
    assert body["title"]
    assert body["detail"]
    headers = dict(problem.headers)
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"cache-control"] == b"no-store"


@pytest.mark.parametrize("problem", everything(), ids=lambda problem: problem.code)
def test_client_is_told_what_it_may_do_instead(problem: Problem) -> None:
    """When to come back, or which method to use, stands in a header."""
    headers = dict(problem.headers)
    assert (b"retry-after" in headers) is (problem.status in {429, 503})
    assert (b"allow" in headers) is (problem.status == 405)


def test_detail_of_a_bad_request_says_what_is_bad() -> None:
    """The client's own mistake is named."""
    assert json.loads(problem_of(BadRequest("wait takes a number")).body)["detail"] == (
        "wait takes a number"
    )


def test_error_says_what_it_is_without_being_told() -> None:
    """An error's docstring is its message."""
    assert str(UnknownTask()) == "There is no such task, or its status is no longer kept."
    assert str(TaskStatusError()) == "Something in taskstatus failed."


@pytest.mark.parametrize("problem", everything(), ids=lambda problem: problem.code)
def test_problem_of_one_task_among_several_is_a_message(problem: Problem) -> None:
    """It has what the body has, and the id just as the client sent it."""
    message = json.loads(problem.message("\ud800 é"))
    assert message == {"type": "problem", "task_id": "\ud800 é", **json.loads(problem.body)}
