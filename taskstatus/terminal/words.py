"""A task's messages in words, for people. Pure.

What a task writes is a stranger's text: nothing in it may move the cursor, colour the screen or
break the line it is shown on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

__all__ = [
    "age",
    "duration",
    "facts",
    "figures",
    "line",
    "moment",
    "number",
    "outcome",
    "printable",
    "progress_of",
    "state_of",
    "took",
]

Content = Mapping[str, Any]

#: Control characters, line and paragraph separators, changes of direction, lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def printable(text: object) -> str:
    """Return the text on one line, with everything that a terminal would obey made visible."""
    string = str(text).replace("\t", "    ")
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), string)


def line(content: Content) -> str:
    """Return a message as one line of plain text, "" for a type that is not known here."""
    match content.get("type"):
        case "log":
            level, text = printable(content.get("level")), printable(content.get("message"))
            return f"{moment(content.get('at'))} [{level}] {text}"
        case "status":
            words = [moment(content.get("updated_at")), state_of(content)]
            if content.get("ready"):
                words += filter(None, [took(content), outcome(content)])
            elif content.get("error") is not None:
                words.append(outcome(content))
            else:
                words += [*figures(content), _progress_message(content)]
            return " ".join(word for word in words if word)
    return ""


def state_of(content: Content) -> str:
    """Return the state, with what qualifies it."""
    state = printable(content.get("state"))
    notes = []
    if content.get("retries") and not content.get("ready"):
        notes.append(f"retry {printable(content['retries'])}")
    if content.get("stalled"):
        notes.append("stalled")
    return f"{state} ({', '.join(notes)})" if notes else state


def outcome(content: Content) -> str:
    """Return the result, or the error, on one line; "" when there is neither."""
    if content.get("error") is not None:
        kind = content.get("error_type")
        return printable(f"{kind}: {content['error']}" if kind else content["error"])
    if content.get("result_omitted"):
        return f"the result is not shown: {printable(content['result_omitted'])}"
    if content.get("result") is None:
        return ""
    return printable(json.dumps(content["result"], ensure_ascii=False))


def figures(content: Content) -> list[str]:
    """Return what is known of the progress, and nothing else: percent, count, rate, time left."""
    progress = progress_of(content)
    percent, current, total, rate, eta = (
        number(progress.get(key)) for key in ("percent", "current", "total", "rate", "eta")
    )
    words = []
    if percent is not None:
        # Rounded down, so that 100 % is the end.
        words.append(f"{int(percent)} %")
    if current is not None:
        words.append(_count(current) + (f"/{_count(total)}" if total is not None else ""))
    if rate is not None:
        words.append(f"{rate:,.3g}/s" if rate < 1_000 else f"{rate:,.0f}/s")
    if eta is not None and not content.get("ready"):
        words.append(f"{duration(math.ceil(eta))} left")
    return words


def facts(content: Content) -> list[tuple[str, str]]:
    """Return a whole status as labels and values, leaving out what is not known."""
    progress = " ".join([*figures(content), _progress_message(content)]).strip()
    error = content.get("error") is not None
    rows = [
        ("Task", content.get("task_id")),
        ("Name", content.get("name")),
        ("State", state_of(content)),
        ("Progress", progress or None),
        ("Error" if error else "Result", outcome(content) or None),
        ("Retries", content.get("retries") or None),
        ("Took", took(content).removeprefix("in ") or None),
        *((label, content.get(key)) for label, key in _DETAILS.items()),
    ]
    return [(label, printable(value)) for label, value in rows if value is not None]


_DETAILS = {
    "Created": "created_at",
    "Started": "started_at",
    "Updated": "updated_at",
    "Finished": "finished_at",
    "Parent": "parent_id",
    "Root": "root_id",
    "Group": "group_id",
    "Cursor": "cursor",
}


def took(content: Content) -> str:
    """Return how long a task ran that has ended, "" when that is not known."""
    try:
        started = datetime.fromisoformat(content["started_at"])
        finished = datetime.fromisoformat(content["finished_at"])
        seconds = (finished - started).total_seconds()
    except (KeyError, TypeError, ValueError):
        return ""
    return f"in {duration(seconds)}" if seconds >= 0 else ""


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0", "")
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR:,} h {whole % _HOUR // _MINUTE:02} min"


def age(value: object, now: datetime) -> str:
    """Return how long ago an RFC 3339 time was, in its largest unit; "" when it is none."""
    try:
        seconds = max(0.0, (now - datetime.fromisoformat(str(value))).total_seconds())
    except (TypeError, ValueError):
        return ""
    units = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s"))
    size, unit = next((one for one in units if seconds >= one[0]), units[-1])
    return f"{seconds // size:,.0f} {unit}"


def progress_of(content: Content) -> Content:
    """Return the progress, empty when there is none."""
    progress = content.get("progress")
    return progress if isinstance(progress, Mapping) else {}


def _progress_message(content: Content) -> str:
    return printable(progress_of(content).get("message") or "")


def number(value: object) -> float | None:
    """Return the value if it is a number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def moment(value: object) -> str:
    """Return an RFC 3339 time to the second."""
    return re.sub(r"\.[0-9]+", "", printable(value)) if value else ""
