"""Enqueue a task by its name, as the project itself would. Celery's door for the command line."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from celery import Celery, current_app
from celery.result import denied_join_result
from kombu.exceptions import OperationalError

from taskstatus.terminal.exits import ExitCode, TerminalError

__all__ = ["BrokerUnavailable", "LaunchError", "enqueue"]

#: Celery's own tasks (``celery.chord`` and the like) are parts of other tasks.
_INTERNAL = "celery."
#: What Celery calls the application that it makes up when the project has loaded none.
_MADE_UP = "default"
_NO_APPLICATION = (
    "The project has loaded no Celery application: import it in the __init__.py next to the "
    "settings, as Celery's manual for Django says."
)


class LaunchError(TerminalError):
    """The task can't be enqueued as asked."""

    exit_code = ExitCode.USAGE


class BrokerUnavailable(TerminalError):
    """The broker does not answer; the task was not enqueued."""


def enqueue(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], *, force: bool) -> str:
    """Enqueue a task and return its id; with ``task_always_eager`` it has run by then.

    A task of the project is called with the options that it declares; with ``force`` a name that
    the project doesn't know is sent as it is, for a worker that does. Raises LaunchError for an
    unknown name or arguments that the task doesn't take, BrokerUnavailable before anything is
    recorded of a task that can't be sent.
    """
    app = current_app
    if app.main == _MADE_UP and not app.conf.broker_url:
        raise LaunchError(_NO_APPLICATION)
    app.loader.import_default_modules()
    task = app.tasks.get(name)
    if task is None and not force:
        raise LaunchError(_unknown(name, app))
    if task is not None and app.conf.task_always_eager:
        return str(task.apply_async(tuple(args), dict(kwargs)).id)
    _reach_broker(app)
    # Nobody here waits for the result, so the result backend need not be asked to announce it.
    with denied_join_result(), _explained():
        if task is None:
            return str(app.send_task(name, tuple(args), dict(kwargs)).id)
        try:
            return str(task.apply_async(tuple(args), dict(kwargs)).id)
        except TypeError as exc:
            raise LaunchError(f"{name} can't be called like this: {exc}.") from exc


def _reach_broker(app: Celery) -> None:
    """Return once the broker answers: one quick retry, unlike Celery's own."""
    try:
        connection = app.connection_for_write()
    except (ImportError, KeyError) as exc:
        # The URL names a transport that is not there.
        raise LaunchError(f"The broker's URL can't be used: {exc.args[0]}.") from exc
    with connection, _explained():
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OperationalError as exc:
        reason = str(exc).rstrip(".")
        raise BrokerUnavailable(
            f"The broker does not answer, so the task was not enqueued: {reason}."
        ) from exc


def _unknown(name: str, app: Celery) -> str:
    known = sorted(task for task in app.tasks if not task.startswith(_INTERNAL))
    # By their last words first: people know a task's name better than its module's.
    ends = {task: task.rpartition(".")[2] for task in known}
    similar = partial(difflib.get_close_matches, n=3, cutoff=0.75)
    close = similar(name.rpartition(".")[2], set(ends.values()))
    names = [task for task in known if ends[task] in close] or similar(name, known)
    hint = f"Is it {' or '.join(names)}?" if names else f"It has {', '.join(known[:20]) or 'none'}."
    return (
        f"The project has no task {name!r}. {hint} "
        "(--force sends it anyway, for a worker that has it.)"
    )
