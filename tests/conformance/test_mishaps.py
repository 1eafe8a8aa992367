"""What went wrong is told in a sentence, whatever went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.status import status_after
from tests.harness.servers import start_daphne
from tests.harness.site import Site
from tests.harness.steps import (
    custom,
    error,
    failure,
    ignored,
    log,
    pending,
    progress,
    rejected,
    retry,
    revoked,
    started,
    success,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes
    from tests.harness.steps import Step


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("ValueError", ["row 7: bad date"], "row 7: bad date"),
        ("ValueError", [], ""),
        ("KeyError", ["name"], "'name'"),
        ("FileNotFoundError", [2, "No such file"], "[Errno 2] No such file"),
        ("RuntimeError", ["Größe 🎉 \u2028"], "Größe 🎉 \u2028"),
        ("RuntimeError", ["line 1\nline 2\r\n"], "line 1\nline 2\r\n"),
        ("SystemExit", [3], "3"),
    ],
)
async def test_a_failure_says_what_the_exception_says(
    site: Site, transport: str, kind: str, arguments: list[object], message: str
) -> None:
    """error is str(exception), error_type its class's name; never a traceback."""
    broken = failure(error(kind, *arguments))
    status = await status_after(site, pending(), started(), broken, transport=transport)
    assert (status["error"], status["error_type"]) == (message, kind)
    assert status["result"] is None
    assert "Traceback" not in str(status)


async def test_an_exception_with_no_text_is_still_a_failure(site: Site, transport: str) -> None:
    """An exception that raises when asked what it is ends the task as any other."""
    broken = failure(error("ExplodingError"))
    status = await status_after(site, pending(), started(), broken, transport=transport)
    assert status["state"] == "FAILURE"
    assert type(status["error"]) is str
    assert status["error_type"] == "ExplodingError"


async def test_text_that_is_not_unicode_arrives_as_unicode(site: Site, transport: str) -> None:
    """A lone surrogate, which UTF-8 can't carry, does not break the stream."""
    odd = "a\ud83d"
    task = await site.task(pending())
    async with task.follow(transport, types="status,log") as client:
        await client.next()
        life = [started(), progress(1, 2, odd), log(odd), failure(error("ValueError", odd))]
        await task.play(*life)
        messages = await client.collect()
    assert [message.state for message in messages][-1] == "FAILURE"
    assert messages[-1]["error"].startswith("a")
    assert all(message.raw.decode("utf-8") for message in messages)


async def test_an_endless_error_is_delivered(site: Site, transport: str) -> None:
    """An error message of a megabyte keeps nobody from learning that the task failed."""
    broken = failure(error("ValueError", "x" * 1_000_000))
    status = await status_after(site, pending(), started(), broken, transport=transport)
    assert status["error"].startswith("x" * 1_000)


@pytest.mark.parametrize(
    ("step", "has_error"),
    [
        (started(), False),
        (progress(1), False),
        (custom("PARSING"), False),
        (success(), False),
        (rejected(), False),
        (ignored(), False),
        (retry(), True),
        (failure(), True),
        (revoked(), True),
    ],
    ids=lambda value: value.op if not isinstance(value, bool) else "",
)
async def test_error_is_null_but_for_what_went_wrong(
    site: Site, step: Step, has_error: bool
) -> None:
    """RETRY, FAILURE and REVOKED have an error, no other state has."""
    life = [pending(), started()] if step.op != "started" else [pending()]
    status = await status_after(site, *life, step)
    assert (type(status["error"]) is str) is has_error
    assert has_error or (status["error"] is None and status["error_type"] is None)


async def test_retries_are_counted_and_leave_no_error_behind(site: Site, transport: str) -> None:
    """Each new attempt counts, and starts with a clean sheet."""
    life = [pending(), started(), progress(1, 2), retry(), started(), retry(), started(), success()]
    task = await site.task(life[0])
    async with task.follow(transport) as client:
        await client.next()
        await task.play(*life[1:])
        seen = {
            (str(message.state), message["retries"]): message for message in await client.collect()
        }
    retries_of_runs = [retries for state, retries in seen if state == "STARTED"]
    assert retries_of_runs == [0, 1, 2]
    errors = {state for (state, _), message in seen.items() if message["error"] is not None}
    assert errors == {"RETRY"}
    assert seen["STARTED", 1]["progress"] is None
    assert seen["SUCCESS", 2]["result"] is None


SECRET = "postgres://admin:hunter2@db"


@pytest.fixture(scope="module")
def discreet_site(processes: Processes, environment_of: Callable[[Layer], Environment]) -> Site:
    """Return a site that filters what errors say."""
    environment = environment_of("memory").with_settings(ERROR_FILTER="tests.project.errors.shown")
    return Site(layer="memory", servers=(start_daphne(processes, environment, name="discreet"),))


@pytest.mark.parametrize("kind", ["ValueError", "KeyError"])
async def test_a_secret_in_an_error_stays_with_the_project(
    discreet_site: Site, transport: str, kind: str
) -> None:
    """What TASKSTATUS_ERROR_FILTER does not show, nobody sees; nor when the filter itself fails."""
    life = [
        pending(),
        started(),
        retry(error(kind, SECRET)),
        started(),
        failure(error(kind, SECRET)),
    ]
    task = await discreet_site.task(pending())
    async with task.follow(transport, types="status,log") as client:
        await client.next()
        await task.play(*life[1:])
        messages = await client.collect()
    assert "hunter2" not in "".join(message.raw.decode() for message in messages)
    assert messages[-1]["error"] == (f"Ask for {task.id}." if kind == "ValueError" else kind)
    assert messages[-1]["error_type"] == kind
    assert "hunter2" not in discreet_site.server(0).process.log
