"""The Celery application and its tasks."""

from __future__ import annotations

import os
import time

import redis
from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.noop.settings")

app = Celery("noop")
app.config_from_object("django.conf:settings", namespace="CELERY")

GATE_SECONDS = 60


@app.task(name="noop.first")
def first(key: str) -> None:
    """Wait until all tasks are enqueued, then tell the time."""
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=None) as client:
        client.blpop([f"{key}:gate"], timeout=GATE_SECONDS)
    tell_time(key)


@app.task(name="noop.sleep")
def sleep() -> None:
    """Take five milliseconds."""
    time.sleep(0.005)


@app.task(name="noop.last")
def last(key: str) -> None:
    """Tell the time."""
    tell_time(key)


def tell_time(key: str) -> None:
    """Give whoever measures the machine's monotonic clock, in nanoseconds."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.rpush(f"{key}:times", time.monotonic_ns())
