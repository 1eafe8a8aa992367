"""Tasks that belong together: chains, groups and chords.

It is the last task's id that ``delay()`` gives back, so each task is known from then on.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import celery
import pytest
from celery import Signature

from tests.harness.enqueueing import enqueue_signature

if TYPE_CHECKING:
    from tests.integration.outcomes.stage import Stage

ORDINARY = ["PENDING", "RECEIVED", "STARTED", "SUCCESS"]


def task(name: str, *args: object, queue: str) -> Signature[Any]:
    """Return a signature with an id of its own that takes no result of another task."""
    options = {"queue": queue, "task_id": str(uuid.uuid4())}
    return Signature(f"outcomes.{name}", args=args, immutable=True, options=options)


def id_of(signature: Signature[Any]) -> str:
    """Return the id that a task will have."""
    return str(signature["options"]["task_id"])


async def test_the_tasks_of_a_chain_are_known_from_its_start(stage: Stage) -> None:
    """Each waits for the one before it, which is its parent; the first is the root of all."""
    queue = stage.new_queue()
    first, second, third = (task("answer", number, queue=queue) for number in range(3))
    enqueued = await enqueue_signature(stage.server.url, celery.chain(first, second, third))
    assert enqueued.task_id == id_of(third)
    async with (
        stage.latecomer(id_of(third)) as last,
        stage.latecomer(id_of(second)) as middle,
        stage.watching(id_of(first), queue=queue) as watch,
    ):
        stories = [await watch.story(), await middle.story(), await last.story()]
    assert [story.states for story in stories] == [ORDINARY] * 3
    assert [story.last["result"] for story in stories] == [0, 1, 2]
    parents = [{status["parent_id"] for status in story.statuses} for story in stories]
    assert parents == [{None}, {id_of(first)}, {id_of(second)}]
    assert {story.last["root_id"] for story in stories} == {id_of(first)}
    created = [story.last["created_at"] for story in stories]
    assert max(created) < stories[0].only("STARTED")["started_at"]


@pytest.mark.parametrize(
    ("name", "args", "limit", "last"),
    [
        ("fail", ["no"], None, ("FAILURE", "no", "ValueError")),
        ("outlast", [], 0.3, ("FAILURE", "TimeLimitExceeded(0.3,)", "TimeLimitExceeded")),
        ("die", [], None, ("FAILURE", "signal 9", "WorkerLostError")),
        ("ignore", [], None, ("REVOKED", "outcomes.ignore ended in IGNORED", None)),
        ("reject", [False], None, ("REVOKED", "outcomes.reject ended in REJECTED", None)),
    ],
)
async def test_what_breaks_a_chain_ends_the_rest_of_it(
    stage: Stage, name: str, args: list[Any], limit: float | None, last: tuple[str, str, str | None]
) -> None:
    """The tasks after it will never run, and say why."""
    queue = stage.new_queue()
    broken = task(name, *args, queue=queue)
    broken["options"]["time_limit"] = limit
    rest = [task("answer", number, queue=queue) for number in range(2)]
    await enqueue_signature(stage.server.url, celery.chain(broken, *rest))
    state, error, error_type = last
    async with (
        stage.latecomer(id_of(rest[0])) as near,
        stage.latecomer(id_of(rest[1])) as far,
        stage.watching(id_of(broken), queue=queue) as watch,
    ):
        await watch.story()
        for story in (await near.story(), await far.story()):
            assert story.states == ["PENDING", state]
            assert error in story.last["error"]
            assert story.last["error_type"] == error_type


async def test_a_revoked_task_ends_the_rest_of_its_chain(stage: Stage) -> None:
    """The tasks after it will never run, and are revoked with it."""
    queue = stage.new_queue()
    first, second = (task("answer", number, queue=queue) for number in range(2))
    await enqueue_signature(stage.server.url, celery.chain(first, second))
    stage.revoke(id_of(first))
    async with (
        stage.latecomer(id_of(second)) as last,
        stage.watching(id_of(first), queue=queue),
    ):
        story = await last.story()
    assert story.states == ["PENDING", "REVOKED"]
    assert story.last["error"] == "outcomes.answer ended in REVOKED"


async def test_the_tasks_of_a_chord_are_known_from_its_start(stage: Stage) -> None:
    """The header's tasks share a group; the body waits for the last of them."""
    queue = stage.new_queue()
    header = [task("answer", number, queue=queue) for number in range(2)]
    body = task("answer", "body", queue=queue)
    enqueued = await enqueue_signature(stage.server.url, celery.chord(header, body))
    assert enqueued.task_id == id_of(body)
    async with (
        stage.latecomer(id_of(body)) as last,
        stage.latecomer(id_of(header[0])) as one,
        stage.watching(id_of(header[1]), queue=queue) as two,
    ):
        stories = [await one.story(), await two.story(), await last.story()]
    assert [story.states for story in stories] == [ORDINARY] * 3
    (group,) = {status["group_id"] for story in stories[:2] for status in story.statuses}
    assert group is not None
    ids = [id_of(signature) for signature in header]
    assert stories[2].last["result"] == "body"
    assert stories[2].last["parent_id"] in ids
    assert stories[2].last["root_id"] in ids


async def test_a_canvas_of_canvases_is_known_from_its_start(stage: Stage) -> None:
    """A chain that goes through a group ends with a task that is followed from the first on."""
    queue = stage.new_queue()
    first, last, *group = (task("answer", number, queue=queue) for number in range(4))
    canvas = celery.chain(first, celery.group(group), last)
    enqueued = await enqueue_signature(stage.server.url, canvas)
    async with (
        stage.latecomer(enqueued.task_id) as end,
        stage.latecomer(id_of(group[0])) as middle,
        stage.watching(id_of(first), queue=queue),
    ):
        stories = [await middle.story(), await end.story()]
    assert [story.states for story in stories] == [ORDINARY] * 2
    assert [story.last["result"] for story in stories] == [2, 1]


async def test_a_failure_in_a_chord_ends_its_body(stage: Stage) -> None:
    """The body will never run; Celery says so to its result backend alone."""
    queue = stage.new_queue()
    header = [task("answer", 1, queue=queue), task("fail", "no", queue=queue)]
    body = task("answer", "body", queue=queue)
    await enqueue_signature(stage.server.url, celery.chord(header, body))
    async with (
        stage.latecomer(id_of(body)) as last,
        stage.watching(id_of(header[1]), queue=queue) as watch,
    ):
        assert (await watch.story()).last["error"] == "no"
        story = await last.story()
    assert story.states == ["PENDING", "FAILURE"]
    assert story.last["error_type"] == "ChordError"


async def test_the_tasks_of_a_group_share_it(stage: Stage) -> None:
    """Each is followed by itself, and names the group."""
    queue = stage.new_queue()
    tasks = [task("answer", number, queue=queue) for number in range(2)]
    await enqueue_signature(stage.server.url, celery.group(tasks))
    async with (
        stage.latecomer(id_of(tasks[0])) as one,
        stage.watching(id_of(tasks[1]), queue=queue) as two,
    ):
        stories = [await one.story(), await two.story()]
    assert [story.states for story in stories] == [ORDINARY] * 2
    (group,) = {status["group_id"] for story in stories for status in story.statuses}
    assert group is not None
