"""The messages as they go over the wire: one JSON object each, the same bytes on every transport.

Pure: nothing here does I/O. A status is kept as JSON *fragments*, one per field, so that whoever
changes a field need not know the others, and the store can put the object together.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from taskstatus.exceptions import BadRequest
from taskstatus.states import is_interim, is_ready

__all__ = [
    "TYPES",
    "Message",
    "encode",
    "encode_result",
    "log_body",
    "log_json",
    "parse_cursor",
    "parse_task_id",
    "parse_types",
    "status_json",
    "text",
    "timestamp",
]

TYPES = ("status", "log")
MAX_TEXT_CHARACTERS = 4_096
MAX_LINE_CHARACTERS = 65_536
_CURSOR = re.compile(r"[0-9]{1,16}\Z", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
#: json.dumps() would make one for each call.
_STRICT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Message:
    """One message of one task's stream, encoded.

    ``version`` names it, ``prev`` is the version before it in the stream (of any type), by which
    a reader sees that it has missed something. ``json`` is what goes over the wire.
    """

    __slots__ = (
        "asked_to_stop",
        "chunk",
        "event",
        "frame",
        "json",
        "kind",
        "prev",
        "ready",
        "state",
        "version",
    )

    def __init__(self, kind: str, state: str, version: int, prev: int, json: str) -> None:
        self.kind = kind
        self.state = state
        self.version = version
        self.prev = prev
        self.json = json
        #: Whether the task should stop; told to its writer alone.
        self.asked_to_stop = False
        #: Whether this message ends the stream.
        self.ready = kind == "status" and is_ready(state)
        #: The message as a Server-Sent Event, that as a chunk of a body, and as a WebSocket frame,
        #: once somebody has encoded it.
        self.event: bytes | None = None
        self.chunk: bytes | None = None
        self.frame: bytes | None = None

    def __repr__(self) -> str:
        return f"<Message {self.kind} {self.state} {self.version} after {self.prev}>"

    @property
    def cursor(self) -> str:
        """The opaque name of this message, to resume after it."""
        return str(self.version)

    @property
    def interim(self) -> bool:
        """Whether a newer status in the same state may stand for this one."""
        return self.kind == "status" and is_interim(self.state)

    def as_reset(self) -> Message:
        """Return this status marked as the answer to a cursor that can't be resumed from."""
        body = f'{self.json[:-1]},"reset":true}}'
        return Message(self.kind, self.state, self.version, self.prev, body)


def timestamp(at: datetime | None = None) -> str:
    """Return a time (now, when none is given) as RFC 3339 in UTC, to the microsecond."""
    at = datetime.now(UTC) if at is None else at.astimezone(UTC)
    return f"{at.isoformat(timespec='microseconds')[:-6]}Z"


def text(value: object, most: int = MAX_TEXT_CHARACTERS) -> str:
    """Return ``str(value)`` fit for the wire: valid UTF-8, at most so many characters.

    Never raises: an object whose ``__str__`` fails is named by its type.
    """
    try:
        string = str(value)
    except Exception:  # noqa: BLE001 - the object is a stranger's; its fault must not become ours
        string = f"<{type(value).__name__}>"
    if len(string) > most:
        string = string[: most - 1] + "…"
    return _SURROGATE.sub("\ufffd", string)


def encode(value: object) -> str:
    """Return a value as strict JSON (RFC 8259): NaN and Infinity are null, lone surrogates U+FFFD.

    Raises TypeError, ValueError or RecursionError for what is not JSON.
    """
    if value is None:
        # Most often it is, and for all but strings an encoder is made each time.
        return "null"
    try:
        string = _STRICT.encode(value)
    except ValueError:  # not finite, or a circle: the second pass tells which
        string = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
    return string if string.isascii() else _SURROGATE.sub("\ufffd", string)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {_finite(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def encode_result(result: object, *, max_bytes: int) -> tuple[str, str]:
    """Return the fragments of ``result`` and ``result_omitted``; "" when it is whole."""
    try:
        fragment = encode(result)
    except (TypeError, ValueError, RecursionError):
        return "null", '"not-json"'
    # A character takes at most four bytes, so most results need not be encoded to be measured.
    if len(fragment) * 4 > max_bytes and len(fragment.encode()) > max_bytes:
        return "null", '"too-large"'
    return fragment, ""


def status_json(task_id: str, state: str, version: int, fields: Mapping[str, str]) -> str:
    """Return a status message from its fragments (missing: null). record.lua does the same."""
    get = fields.get
    omitted = get("result_omitted")
    return (
        f'{{"type":"status","task_id":{encode(task_id)},"name":{get("name", "null")}'
        f',"state":{encode(state)},"ready":{"true" if is_ready(state) else "false"}'
        f',"cursor":"{version}","version":{version}'
        f',"progress":{get("progress", "null")},"result":{get("result", "null")}'
        + (f',"result_omitted":{omitted}' if omitted else "")
        + f',"error":{get("error", "null")},"error_type":{get("error_type", "null")}'
        f',"retries":{get("retries", "0")},"stalled":{get("stalled", "false")}'
        f',"created_at":{get("created_at", "null")},"started_at":{get("started_at", "null")}'
        f',"updated_at":{get("updated_at", "null")},"finished_at":{get("finished_at", "null")}'
        f',"parent_id":{get("parent_id", "null")},"root_id":{get("root_id", "null")}'
        f',"group_id":{get("group_id", "null")}}}'
    )


def log_body(line: object, *, level: str, at: str) -> str:
    """Return the part of a log message that its writer knows; ``log_json`` adds the rest."""
    message = encode(text(line, MAX_LINE_CHARACTERS))
    return f'"level":{encode(text(level))},"message":{message},"at":"{at}"}}'


def log_json(task_id: str, version: int, body: str) -> str:
    """Return a log message from its body. record.lua does the same."""
    return (
        f'{{"type":"log","task_id":{encode(task_id)}'
        f',"cursor":"{version}","version":{version},{body}'
    )


def parse_task_id(value: str) -> str:
    """Return the task id if it is one: 1 to 255 characters, no control characters.

    Raises BadRequest otherwise.
    """
    if not 1 <= len(value) <= 255 or _CONTROL.search(value):
        raise BadRequest("A task id has 1 to 255 characters and no control characters.")
    return value


def parse_cursor(value: str) -> int:
    """Return the version that a cursor names. Raises BadRequest for what was never a cursor."""
    if not _CURSOR.match(value):
        raise BadRequest("The cursor is not one of ours; leave it out to start with a snapshot.")
    return int(value)


@lru_cache(maxsize=16)
def parse_types(value: str) -> frozenset[str]:
    """Return the message types that a client asks for (``types=status,log``).

    Raises BadRequest for an empty list or a name that is no message type.
    """
    names = frozenset(name.strip() for name in value.split(","))
    if not names <= set(TYPES):
        raise BadRequest(f"types takes a comma-separated list of: {', '.join(TYPES)}.")
    return names
