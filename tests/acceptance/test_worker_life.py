"""A task in a real worker, followed over all three transports of a real server."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from tests.harness.enqueueing import enqueue
from tests.harness.redis import open_gate

if TYPE_CHECKING:
    from tests.harness.following import Follow
    from tests.harness.servers import Server
    from tests.harness.worker import Worker

TOTAL = 2_000


async def test_a_tracked_task_is_followed_from_its_start_to_its_result(
    server: Server,
    worker: Worker,
    redis_url: str,
    follow_everywhere: Follow,
) -> None:
    """Every transport tells the states in order, the progress, the lines, the result, the end."""
    gate = uuid.uuid4().hex
    task = await enqueue(server.url, "tests.count_between_gates", gate, TOTAL, queue=worker.queue)
    all_there = asyncio.Event()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        following = group.create_task(
            follow_everywhere(task.task_id, task.token, types="status,log", ready=all_there)
        )
        await all_there.wait()
        open_gate(redis_url, f"{gate}:start")
        open_gate(redis_url, f"{gate}:end")
    for transport, seen in following.result().items():
        later = [state for state in seen.states if state not in {"PENDING", "RECEIVED"}]
        assert later == ["STARTED", "PROGRESS", "SUCCESS"], transport
        lines = [message for message in seen.messages if message.type == "log"]
        assert [line["message"] for line in lines] == ["counting starts", "counting ends"]
        assert [line["level"] for line in lines] == ["info", "warning"]
        counted = [message["progress"] for message in seen.messages if message.state == "PROGRESS"]
        assert counted[-1]["current"] == counted[-1]["total"] == TOTAL
        assert counted[-1]["percent"] == 100
        assert seen.last["result"] == TOTAL
        assert seen.last["name"] == "tests.count_between_gates"
    ends = {seen.last.raw for seen in following.result().values()}
    assert len(ends) == 1


async def test_a_failing_task_tells_its_error(
    server: Server,
    worker: Worker,
    follow_everywhere: Follow,
) -> None:
    """FAILURE arrives with the text of the exception and without a traceback."""
    task = await enqueue(server.url, "tests.fail", "row 7: no date", queue=worker.queue)
    seen = await follow_everywhere(task.task_id, task.token)
    for following in seen.values():
        assert following.states[-1] == "FAILURE"
        assert following.last["error"] == "row 7: no date"
        assert following.last["error_type"] == "ValueError"


async def test_a_retried_task_tells_each_attempt(
    server: Server,
    worker: Worker,
    follow_everywhere: Follow,
) -> None:
    """RETRY comes between the attempts, the result after the last one."""
    task = await enqueue(server.url, "tests.retry", 2, queue=worker.queue)
    seen = await follow_everywhere(task.task_id, task.token)
    for following in seen.values():
        assert following.last["result"] == 2
        assert following.last["retries"] == 2
