"""What a client asks for: task or tasks, cursor, types, wait; the same on every transport.

Pure but for reading the settings: an ASGI scope goes in, a value or BadRequest comes out.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, overload
from urllib.parse import unquote_plus

from taskstatus.exceptions import BadRequest
from taskstatus.messages import parse_cursor, parse_task_id, parse_types
from taskstatus.position import parse_position, split_place

__all__ = [
    "MAX_TASKS_PER_CONNECTION",
    "BundleRequest",
    "StreamRequest",
    "bearer_token",
    "headers_of",
    "parse_query",
]

#: What one connection may follow at a time.
MAX_TASKS_PER_CONNECTION = 100
MAX_WAIT_SECONDS = 60.0
DEFAULT_WAIT_SECONDS = 25.0
MAX_FIELDS = 32
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?\Z", re.ASCII)


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
        query, headers = _Query(scope), _http_headers(scope)
        after = _after(query, headers, last_event_id=last_event_id)
        return cls(
            task_id=task_id,
            after=None if after is None else parse_cursor(after),
            token=query.one("token") or bearer_token(headers),
            **_options(query),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRequest:
    """A request for the streams of several tasks over one connection, checked."""

    #: None over a WebSocket, where frames name them.
    tasks: tuple[str, ...]
    #: How far the client is in each task's stream (``position``).
    places: tuple[int, ...]
    types: frozenset[str]
    #: Each may be good for one of the tasks, or for several.
    tokens: tuple[str, ...]
    wait: float
    heartbeat: bool

    @classmethod
    def from_scope(cls, scope: dict[str, Any], *, last_event_id: bool = False) -> BundleRequest:
        """Return what an ASGI scope asks for. Raises BadRequest.

        A position wins over the cursors of the tasks, and with ``last_event_id`` the header of
        that name over ``after``.
        """
        # A token for each task, and what else there may be.
        most = 2 * MAX_TASKS_PER_CONNECTION + MAX_FIELDS
        query, headers = _Query(scope, most=most), _http_headers(scope)
        tasks, places = _tasks(query) if scope["type"] == "http" else ((), ())
        after = _after(query, headers, last_event_id=last_event_id)
        if tasks and after is not None:
            places = parse_position(after, len(tasks))
        tokens = (*query.all("token"), bearer_token(headers))
        return cls(
            tasks=tasks,
            places=places,
            tokens=tuple(token for token in tokens if token),
            **_options(query),
        )


def _tasks(query: _Query) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the tasks that a URL names, and the place in each one's stream."""
    pairs = [split_place(value) for value in query.all("task")]
    if not 1 <= len(pairs) <= MAX_TASKS_PER_CONNECTION:
        raise BadRequest(f"Name 1 to {MAX_TASKS_PER_CONNECTION} tasks: task=<id>&task=<id>")
    tasks, places = zip(*pairs, strict=True)
    if len(set(tasks)) < len(tasks):
        raise BadRequest("Each task can be named once only.")
    return tuple(parse_task_id(task_id) for task_id in tasks), places


def _after(query: _Query, headers: dict[str, str], *, last_event_id: bool) -> str | None:
    after = query.one("after")
    return headers.get("last-event-id", after) if last_event_id else after


def _options(query: _Query) -> dict[str, Any]:
    """Return what holds for the whole connection, however many tasks it is for."""
    return {
        "types": parse_types(query.one("types", "status")),
        "wait": _wait(query.one("wait", f"{DEFAULT_WAIT_SECONDS:.0f}")),
        "heartbeat": _flag(query.one("heartbeat", "0")),
    }


def _http_headers(scope: dict[str, Any]) -> dict[str, str]:
    return headers_of(scope) if scope["type"] == "http" else {}


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


def parse_query(query: str, *, most: int) -> dict[str, list[str]]:
    """Return the values of each field, as parse_qs() does with blank values and strict errors.

    It takes several times as long, which shows with polls. Raises ValueError for more fields than
    ``most``, and for what is no UTF-8.
    """
    pairs = query.split("&")
    if len(pairs) > most:
        raise ValueError("There are too many fields.")
    fields: dict[str, list[str]] = {}
    for pair in pairs:
        if pair:
            name, _, value = pair.partition("=")
            fields.setdefault(_unquote(name), []).append(_unquote(value))
    return fields


def _unquote(text: str) -> str:
    return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text


class _Query:
    """The parameters of a URL. Raises BadRequest for what can't be read."""

    def __init__(self, scope: dict[str, Any], *, most: int = MAX_FIELDS) -> None:
        try:
            self._fields = parse_query(scope.get("query_string", b"").decode("ascii"), most=most)
        except ValueError as exc:
            raise BadRequest("The query string can't be read.") from exc

    def all(self, name: str) -> list[str]:
        """Return the values of a parameter that may be given several times."""
        return self._fields.get(name, [])

    @overload
    def one(self, name: str) -> str | None: ...
    @overload
    def one(self, name: str, default: str) -> str: ...
    def one(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a parameter that may be given once."""
        values = self.all(name)
        if len(values) > 1:
            raise BadRequest(f"{name} can be given once only.")
        return values[0] if values else default


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
