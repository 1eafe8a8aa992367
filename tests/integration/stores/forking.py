"""A process that records, forks, and records on both sides, as a prefork worker does."""

from __future__ import annotations

import os
import sys

import django

from taskstatus.stores.redis import RedisStore
from tests.integration.stores.steps import Speaker, play


def main(url: str, task_id: str) -> None:
    """Write a line before the fork, in the child, and after it."""
    run, store = Speaker(number=10), RedisStore(url)
    play(store, task_id, run.started(), run.logged("before"))
    child = os.fork()
    play(store, task_id, run.logged("after" if child else "child"))
    if child == 0:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    play(store, task_id, run.succeeded())


if __name__ == "__main__":
    django.setup()
    main(*sys.argv[1:])
