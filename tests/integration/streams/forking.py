"""A process that sends to a group, forks, and sends on both sides, as a prefork worker does."""

from __future__ import annotations

import os
import sys

import django

from taskstatus import groups
from taskstatus.messages import Message


def main(task_id: str) -> None:
    """Send before the fork, in the child, and after it; each time until the layer has it."""
    say(task_id, "before")
    child = os.fork()
    if child == 0:
        say(task_id, "child")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    say(task_id, "after")


def say(task_id: str, word: str) -> None:
    """Send a message that ends the task, since that one is waited for."""
    groups.send(task_id, Message("status", "SUCCESS", 2, 1, word))


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1])
