"""Which tasks a message brings along: those that come after it in a chain, and a chord's body.

Pure. Celery enqueues them when it is their turn, but it is their ids that ``delay()`` gives back,
so they must be known from then on. A signature is a dict wherever it has come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Member", "announced", "followers", "members"]

#: Where a signature that stands for several keeps them.
_PARTS = {
    "celery.chain": ("tasks",),
    "celery.group": ("tasks",),
    "celery.chord": ("header", "body"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A task that has an id and is not enqueued yet."""

    task_id: str
    name: str
    group_id: str | None = None
    #: The task before it in a chain; None where that can't be told beforehand.
    parent_id: str | None = None


def members(task_id: str, body: Any, *, index: int | None) -> list[Member]:
    """Return whom a message announces, by its body; ``index`` is its place in a group.

    The tasks of a chord's header all carry its body, so only the first one announces it.
    """
    embedded = body[2] if isinstance(body, Sequence) and len(body) > 2 else body
    if not isinstance(embedded, Mapping):
        return []
    found = list(_chain(embedded.get("chain"), parent_id=task_id))
    if not index:
        found += _signature(embedded.get("chord"), parent_id=None)
    return found


def followers(request: Any) -> list[Member]:
    """Return who comes after a request's task in its chain, and will never run if it fails."""
    return list(_chain(getattr(request, "chain", None), parent_id=None))


def announced(request: Any) -> set[str]:
    """Return the ids that the message of a request has announced."""
    found = [*followers(request), *_signature(getattr(request, "chord", None), parent_id=None)]
    return {member.task_id for member in found}


def _chain(chain: Iterable[Any] | None, *, parent_id: str | None) -> Iterator[Member]:
    # The next one is the last one.
    for signature in reversed(list(chain or ())):
        found = list(_signature(signature, parent_id=parent_id))
        yield from found
        parent_id = found[0].task_id if len(found) == 1 else None


def _signature(signature: Any, *, parent_id: str | None) -> Iterator[Member]:
    if not isinstance(signature, Mapping):
        return
    options, name = signature.get("options") or {}, signature.get("task")
    if name in _PARTS:
        for key in _PARTS[name]:
            part = (signature.get("kwargs") or {}).get(key)
            for task in [part] if isinstance(part, Mapping) else part or ():
                yield from _signature(task, parent_id=None)
    elif options.get("task_id"):
        yield Member(
            task_id=options["task_id"],
            name=str(name),
            group_id=options.get("group_id"),
            parent_id=parent_id,
        )
    yield from _chain(options.get("chain"), parent_id=options.get("task_id"))
