"""The command line of ``manage.py task``: subcommands, options, and which values they take."""

from __future__ import annotations

import json
import math
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from typing import Any, NoReturn

from taskstatus.access import SCOPES
from taskstatus.exceptions import BadRequest
from taskstatus.messages import parse_task_id
from taskstatus.terminal.address import is_url, stream_urls
from taskstatus.terminal.exits import EXIT_CODES

__all__ = ["add_subcommands"]

BASE_URL = "http://localhost:8000"
PATIENCE_SECONDS = 300.0
LIST_LIMIT = 20


def add_subcommands(parser: ArgumentParser) -> None:
    """Add all subcommands; ``subcommand`` in the options names the one that was chosen."""
    subcommands = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")

    def add(name: str, summary: str, *, details: str = "") -> ArgumentParser:
        subparser: ArgumentParser = subcommands.add_parser(
            name,
            help=summary,
            description=f"{summary}{details}",
            epilog=EXIT_CODES,
            formatter_class=RawDescriptionHelpFormatter,
        )
        _add_base_options(subparser)
        return subparser

    _add_start(
        add(
            "start",
            "Enqueue a task; print its id, a token to read it with, and its URLs.",
            details="\nWith --follow, stay until it ends and exit as it did.",
        )
    )
    _add_follow(
        add(
            "follow",
            "Follow tasks until they end, and exit as they did.",
            details="\nA live bar on a terminal, else one line for each message. Ctrl-C on a "
            "terminal asks whether\nto detach, to cancel or to go on.",
        )
    )
    _add_list(
        add(
            "list",
            "List the tasks that have changed last, the newest first.",
            details="\nIt looks through all that is kept, so it takes its time in a large Redis.",
        )
    )
    _add_show(add("show", "Show the current status of a task."))
    _add_cancel(
        add(
            "cancel",
            "Ask a task to stop.",
            details="\nOne that has not begun never will; one that runs stops at its next step of "
            "track() or progress().\nExits with 1 when the task has already ended.",
        )
    )
    _add_token(add("token", "Print a token that lets its holder read a task."))


def _add_start(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the task's name, as Celery knows it")
    parser.add_argument(
        "--args",
        dest="task_args",
        type=_json_array,
        default=[],
        metavar="JSON",
        help="positional arguments: a JSON array, as '[1, \"two\"]'",
    )
    parser.add_argument(
        "--kwargs",
        dest="task_kwargs",
        type=_json_object,
        default={},
        metavar="JSON",
        help="keyword arguments: a JSON object, as '{\"rows\": 100}'",
    )
    parser.add_argument(
        "--force", action="store_true", help="send it even if the project has no task of that name"
    )
    parser.add_argument(
        "--base-url",
        type=_base_url,
        default=BASE_URL,
        metavar="URL",
        help="where the site is served, for the printed URLs (default: %(default)s)",
    )
    parser.add_argument(
        "--follow", action="store_true", help="follow it until it ends, as 'task follow' does"
    )
    _add_json(parser, "print one JSON object with task_id, token and urls, then the messages")


def _add_follow(parser: ArgumentParser) -> None:
    parser.add_argument(
        "targets",
        metavar="ID_OR_URL",
        nargs="+",
        type=_id_or_url,
        help="the ids of one or more tasks, read from the store that the settings name; or any "
        "URL of one (http, https, ws or wss), followed over the network",
    )
    parser.add_argument(
        "--token", default="", help="for a URL that has none in it (a local id needs none)"
    )
    parser.add_argument(
        "--patience",
        type=_seconds,
        default=PATIENCE_SECONDS,
        metavar="SECONDS",
        help="for a URL: how long to try again while the server does not answer "
        "(default: %(default)g; at most 10 before its first answer)",
    )
    _add_json(parser, "print the messages as they are on the wire, one a line")


def _add_list(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--state",
        dest="states",
        action="append",
        default=[],
        metavar="STATE",
        help="only tasks in this state, as FAILURE; may be given more than once",
    )
    parser.add_argument(
        "--limit",
        dest="most",
        type=_count,
        default=LIST_LIMIT,
        metavar="N",
        help="at most so many (default: %(default)s)",
    )
    _add_json(parser, "print the status messages as they are on the wire, one a line")


def _add_cancel(parser: ArgumentParser) -> None:
    _add_id(parser)
    _add_json(parser, "print one JSON object with task_id and asked")


def _add_show(parser: ArgumentParser) -> None:
    _add_id(parser)
    _add_json(parser, "print the status message as it is on the wire")


def _add_token(parser: ArgumentParser) -> None:
    _add_id(parser)
    parser.add_argument(
        "--scope", choices=list(SCOPES), default="read", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--max-age",
        type=_positive_seconds,
        metavar="SECONDS",
        help="how long it is good for (default: TASKSTATUS_TOKEN_MAX_AGE_SECONDS)",
    )
    _add_json(parser, "print one JSON object with task_id, token and scope")


def _add_id(parser: ArgumentParser) -> None:
    parser.add_argument("task_id", metavar="ID", type=_task_id, help="the task's id")


def _add_json(parser: ArgumentParser, text: str) -> None:
    parser.add_argument("--json", dest="as_json", action="store_true", help=text)


def _add_base_options(parser: ArgumentParser) -> None:
    """Let Django's own options stand after the subcommand as well as before it."""
    for option in ("--settings", "--pythonpath"):
        parser.add_argument(option, default=SUPPRESS, help=SUPPRESS)
    for option in ("--traceback", "--no-color", "--force-color"):
        parser.add_argument(option, action="store_true", default=SUPPRESS, help=SUPPRESS)
    parser.add_argument(
        "-v", "--verbosity", type=int, choices=[0, 1, 2, 3], default=SUPPRESS, help=SUPPRESS
    )


def _json(text: str, kind: type, name: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ArgumentTypeError(f"{constant} is no JSON")

    try:
        value = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as exc:
        raise ArgumentTypeError(f"{text!r} is no JSON: {exc}") from exc
    if not isinstance(value, kind):
        raise ArgumentTypeError(f"{text!r} is no JSON {name}")
    return value


def _json_array(text: str) -> Any:
    return _json(text, list, "array")


def _json_object(text: str) -> Any:
    return _json(text, dict, "object")


def _task_id(text: str) -> str:
    try:
        return parse_task_id(text)
    except BadRequest as exc:
        raise ArgumentTypeError(str(exc)) from exc


def _id_or_url(text: str) -> str:
    return text if is_url(text) else _task_id(text)


def _base_url(text: str) -> str:
    try:
        stream_urls(text, "any")
    except ValueError as exc:
        raise ArgumentTypeError(str(exc)) from exc
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is no number of tasks")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def _positive_seconds(text: str) -> float:
    if not (seconds := _seconds(text)):
        raise ArgumentTypeError("it takes more than 0 seconds")
    return seconds
