"""Tasks that run more than once. Their names begin with ``outcomes.``."""

from __future__ import annotations

from celery import shared_task

from tests.integration.outcomes.bound import Bound
from tests.integration.outcomes.tasks import die


@shared_task(name="outcomes.retry", bind=True, max_retries=2)
def retry(self: Bound, times: int, countdown: float = 0) -> int:
    """Fail a number of times, outside of an except block, then return the number."""
    if self.request.retries < times:
        raise self.retry(exc=ValueError(f"attempt {self.request.retries}"), countdown=countdown)
    return times


@shared_task(name="outcomes.retry_caught", bind=True)
def retry_caught(self: Bound, *, translate: bool) -> str:
    """Ask for another attempt because of what was caught, or of something else."""
    nothing: dict[str, str] = {}
    try:
        return nothing["caught"]
    except KeyError:
        if self.request.retries:
            return "done"
        raise self.retry(exc=OSError("told") if translate else None, countdown=0) from None


@shared_task(name="outcomes.retry_silently", bind=True, max_retries=1)
def retry_silently(self: Bound, times: int = 1) -> str:
    """Ask for another attempt and say nothing of why."""
    if self.request.retries < times:
        raise self.retry(countdown=0)
    return "done"


@shared_task(
    name="outcomes.retry_by_itself",
    bind=True,
    autoretry_for=(ConnectionError,),
    default_retry_delay=0,
)
def retry_by_itself(self: Bound) -> str:
    """Raise what Celery is to try again."""
    if not self.request.retries:
        raise ConnectionError("refused")
    return "done"


@shared_task(name="outcomes.retry_and_return", bind=True)
def retry_and_return(self: Bound) -> str:
    """Ask for another attempt, and go on as if nothing had been said."""
    if not self.request.retries:
        self.retry(exc=ValueError("again"), countdown=0, throw=False)
    return f"attempt {self.request.retries}"


@shared_task(name="outcomes.retry_in_vain", bind=True)
def retry_in_vain(self: Bound) -> None:
    """Ask for another attempt that can't be published."""
    raise self.retry(exc=ValueError("again"), countdown=0, serializer="unheard-of")


class RetriedWhenLost(Bound):
    """A task whose worker asks for another attempt when its process is lost (Celery 5.7)."""

    abstract = True
    retry_on_worker_lost = True
    #: Celery publishes the next attempt before it says why, and any worker of these tests may take
    #: it: without a delay its start could be told before.
    default_retry_delay = 1
    max_retries = 1


@shared_task(name="outcomes.die_and_retry", bind=True, base=RetriedWhenLost)
def die_and_retry(self: RetriedWhenLost) -> str:
    """Kill the process in the first attempt."""
    if not self.request.retries:
        die()
    return "done"
