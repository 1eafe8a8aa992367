"""What a client asks for: task, cursor, types, wait; the same on every transport.

Pure but for reading the settings: an ASGI scope goes in, a value or BadRequest comes out.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from taskstatus.exceptions import BadRequest
from taskstatus.messages import parse_cursor, parse_task_id, parse_types

__all__ = ["StreamRequest", "bearer_token", "headers_of"]

MAX_WAIT_SECONDS = 60.0
DEFAULT_WAIT_SECONDS = 25.0
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?\Z", re.ASCII)
_ONCE = ("after", "token", "types", "wait", "heartbeat")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRequest:
    """A request for a task's stream, checked."""

    task_id: str
    after: int | None
    types: frozenset[str]
    token: str
    #: Seconds, long-poll only.
    wait: float
    #: Whether heartbeats come as messages.
    heartbeat: bool

    @classmethod
    def from_scope(cls, scope: dict[str, Any], *, last_event_id: bool = False) -> StreamRequest:
        """Return what an ASGI scope asks for. Raises BadRequest.

        With ``last_event_id`` the header of that name wins over ``after`` (WHATWG HTML §9.2.4).
        """
        task_id = parse_task_id(scope["url_route"]["kwargs"]["task_id"])
        query = _query(scope)
        after = query.get("after")
        headers = headers_of(scope) if scope["type"] == "http" else {}
        if last_event_id and "last-event-id" in headers:
            after = headers["last-event-id"]
        return cls(
            task_id=task_id,
            after=None if after is None else parse_cursor(after),
            types=parse_types(query.get("types", "status")),
            token=query.get("token") or bearer_token(headers),
            wait=_wait(query["wait"]) if "wait" in query else DEFAULT_WAIT_SECONDS,
            heartbeat=_flag(query.get("heartbeat", "0")),
        )


def headers_of(scope: dict[str, Any]) -> dict[str, str]:
    """Return the headers of an HTTP scope by lower-case name, repeated ones joined by commas."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def bearer_token(headers: dict[str, str]) -> str:
    """Return the token of an Authorization header (RFC 6750 §2.1), "" without one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _query(scope: dict[str, Any]) -> dict[str, str]:
    try:
        fields = parse_qs(
            scope.get("query_string", b"").decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=32,
        )
    except ValueError as exc:
        raise BadRequest("The query string can't be read.") from exc
    for name in _ONCE:
        if len(fields.get(name, ())) > 1:
            raise BadRequest(f"{name} can be given once only.")
    return {name: values[0] for name, values in fields.items()}


def _wait(value: str) -> float:
    # Python would read more as a number than a client could mean: 1_0, nan, other scripts' digits.
    seconds = float(value) if _SECONDS.match(value) else math.inf
    if seconds > MAX_WAIT_SECONDS:
        raise BadRequest("wait takes a number of seconds, 0 to 60.")
    return seconds


def _flag(value: str) -> bool:
    if value not in {"0", "1"}:
        raise BadRequest("heartbeat takes 0 or 1.")
    return value == "1"
