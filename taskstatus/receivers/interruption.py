"""The soft time limit, when it strikes inside one of our receivers.

Celery's signals swallow what a receiver raises, SoftTimeLimitExceeded too. The status would then
not be told, and the task would run on as if it had no limit.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from celery.exceptions import SoftTimeLimitExceeded

__all__ = ["after_the_body", "while_the_body_runs"]

P = ParamSpec("P")

#: Long enough for the receiver to have returned.
AGAIN_SECONDS = 0.05


def after_the_body(receiver: Callable[P, None]) -> Callable[P, None]:
    """Let a receiver do its work although the limit strikes: there is nothing left to interrupt.

    It is called twice then; a change that had been recorded already is dropped by the store.
    """

    @wraps(receiver)
    def undisturbed(*args: P.args, **kwargs: P.kwargs) -> None:
        _undisturbed(receiver, *args, **kwargs)

    return undisturbed


def while_the_body_runs(receiver: Callable[P, None]) -> Callable[P, None]:
    """Let a receiver do its work although the limit strikes, and then the limit interrupt the body.

    It is called twice then.
    """

    @wraps(receiver)
    def undisturbed(*args: P.args, **kwargs: P.kwargs) -> None:
        if not _undisturbed(receiver, *args, **kwargs):
            _strike_again()

    return undisturbed


def _undisturbed(receiver: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> bool:
    try:
        receiver(*args, **kwargs)
    except SoftTimeLimitExceeded:
        pass  # and call it outside of this block, where it sees the exception that Celery handles
    else:
        return True
    receiver(*args, **kwargs)
    return False


def _strike_again() -> None:
    if not callable(signal.getsignal(signal.SIGUSR1)):
        return  # not in a process of the prefork pool
    may_strike = threading.Event()

    def strike() -> None:
        may_strike.wait()
        time.sleep(AGAIN_SECONDS)
        # Billiard's handler raises SoftTimeLimitExceeded, wherever the main thread is then.
        os.kill(os.getpid(), signal.SIGUSR1)

    threading.Thread(target=strike, name="taskstatus-interruption", daemon=True).start()
    # Not before the thread has started, which may take long on a busy machine.
    may_strike.set()
