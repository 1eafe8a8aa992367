"""What it costs a worker to tell a task's progress."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.test.utils import override_settings
from redis import Redis

from benchmarks.measure import measure, table
from taskstatus import changes
from taskstatus.meter import progress_of
from taskstatus.publisher import publish
from taskstatus.testing import TaskDriver

__all__ = ["run"]

PAYLOAD = b"x" * 600


def run(redis_url: str) -> str:
    """Return the report: a bare pipeline, taskstatus on two layers, the tutorial's helper."""
    driver = TaskDriver()
    driver.pending()
    driver.started()
    client = Redis.from_url(redis_url)

    def bare(times: int) -> None:
        for _ in range(times):
            pipeline = client.pipeline(transaction=False)
            pipeline.xadd("bare", {"d": PAYLOAD}, maxlen=1_000)
            pipeline.publish("bare", PAYLOAD)
            pipeline.execute()

    def ours(times: int) -> None:
        for number in range(times):
            publish(changes.progressed(driver.run, progress_of(number, times, "counting")))

    def on_any_layer(times: int) -> None:
        with override_settings(TASKSTATUS_STORE_URL=redis_url.replace("127.0.0.1", "localhost")):
            ours(times)

    def tutorial(times: int) -> None:
        # A new event loop and a new connection each time, as the tutorial's helper does it.
        layer = get_channel_layer()
        for _ in range(times):
            async_to_sync(layer.group_send)("tutorial", {"type": "update", "data": "PROGRESS"})

    results = measure(
        {
            "bare XADD + PUBLISH pipeline": bare,
            "taskstatus, pub/sub layer": ours,
            "taskstatus, any layer": on_any_layer,
            "the tutorial's notify_channel_layer": tutorial,
        },
        calls=300,
    )
    client.close()
    return table("Publish one progress, in a worker", results, base="bare XADD + PUBLISH pipeline")
