"""What a client says over a WebSocket that follows several tasks (PROTOCOL §10). Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from taskstatus.exceptions import BadRequest
from taskstatus.messages import parse_cursor, parse_task_id

__all__ = ["Frame", "parse_frame", "parse_json"]

MAX_FRAME_BYTES = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A wish about one task: to follow it, or to follow it no longer."""

    type: Literal["subscribe", "unsubscribe"]
    #: As it was sent, so that the client can be told what is wrong with it.
    task_id: str
    after: object = None
    token: str = ""

    def check(self) -> int | None:
        """Return the version to go on from, None for a snapshot.

        Raises BadRequest when the id or the cursor is malformed, which concerns this task alone.
        """
        parse_task_id(self.task_id)
        if self.after is None:
            return None
        if not isinstance(self.after, str):
            raise BadRequest("A cursor is a string; leave it out to start with a snapshot.")
        return parse_cursor(self.after)


def parse_frame(text: str | None) -> Frame | None:
    """Return what a text frame says, or None for a type that later versions may know.

    None for a text is a binary frame. Raises BadRequest for what is no frame of this protocol.
    """
    match parse_json(text):
        case {"type": "subscribe" | "unsubscribe" as kind, "task_id": str(task_id), **others}:
            token = others.get("token")
            if not isinstance(token, str | None):
                raise BadRequest("A token is a string.")
            return Frame(type=kind, task_id=task_id, after=others.get("after"), token=token or "")
        case {"type": "subscribe" | "unsubscribe"}:
            raise BadRequest("The frame names no task.")
        case {"type": str()}:
            return None
        case _:
            raise BadRequest("A frame is a JSON object with a type.")


def parse_json(text: str | None) -> object:
    """Return the value of a text frame. Raises BadRequest when it is binary, long, or not JSON."""
    if text is None or len(text.encode()) > MAX_FRAME_BYTES:
        raise BadRequest("A frame is a text of at most 4 KiB.")
    try:
        return json.loads(text, parse_constant=_not_json)
    except (ValueError, RecursionError) as exc:
        raise BadRequest("A frame is a JSON text.") from exc


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
