"""record.lua, which records a change in one step, and how it is called."""

from __future__ import annotations

import time
from hashlib import sha1
from importlib.resources import files
from math import ceil

from taskstatus.changes import Change
from taskstatus.conf import settings
from taskstatus.messages import encode
from taskstatus.states import is_interim, is_ready, rank
from taskstatus.stores.base import UNFINISHED_SECONDS

__all__ = ["HASH", "TEXT", "arguments"]

TEXT = (files("taskstatus.stores") / "record.lua").read_text()
HASH = sha1(TEXT.encode()).hexdigest()  # noqa: S324 - Redis's name for it, not a secret


def arguments(change: Change, key: str, group: str, envelope: bytes) -> list[str | bytes]:
    """Return what record.lua is called with."""
    ready = change.kind != "log" and is_ready(change.state)
    keep = settings.RETENTION_SECONDS
    facts: list[object] = [
        change.kind,
        key,
        rank(change.state),
        change.attempt,
        change.run,
        int((time.monotonic() - change.began) * 1_000_000) if change.run else 0,
        "-" if change.next_attempt is None else change.next_attempt,
        int(ready),
        int(change.kind != "log" and is_interim(change.state)),
        int(change.base is not None),
        ceil(keep if ready else max(keep, UNFINISHED_SECONDS)),
        settings.MAX_EVENTS,
        encode(change.task_id),
        encode(change.state),
        change.body,
    ]
    parts = [str(fact) for fact in facts]
    for item in change.fields.items():
        parts += item
    rest = "\x1f".join([*parts, ""])
    return [change.state, change.owner, change.worker, group, envelope, rest]
