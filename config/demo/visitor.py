"""What a visitor may see: the jobs of the own session, each with its token."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

__all__ = ["Job", "forget_job", "job_of", "jobs_of", "remember_job"]

_KEY = "demo_jobs"
_REMEMBERED = 10


class Job(TypedDict):
    """What the session keeps of a job."""

    token: str
    after: NotRequired[str]
    """The cursor of its first state: who begins there misses nothing, however late."""
    state: NotRequired[str]
    """That first state."""


def jobs_of(session: SessionBase) -> list[str]:
    """Return the ids of the visitor's jobs, newest first."""
    return list(reversed(session.get(_KEY, {})))


def job_of(session: SessionBase, task_id: str) -> Job | None:
    """Return what is kept of that job, or None if it is none of the visitor's."""
    job: Job | None = session.get(_KEY, {}).get(task_id)
    return job


def remember_job(session: SessionBase, task_id: str, job: Job) -> None:
    """Keep a job in the session; the oldest are forgotten."""
    jobs = session.get(_KEY, {})
    jobs.pop(task_id, None)
    jobs[task_id] = job
    session[_KEY] = dict(list(jobs.items())[-_REMEMBERED:])


def forget_job(session: SessionBase, task_id: str) -> None:
    """Drop a job whose token is no longer good."""
    if task_id in session.get(_KEY, {}):
        session[_KEY] = {name: job for name, job in session[_KEY].items() if name != task_id}
