"""``manage.py task``: start, follow, list, show and cancel Celery tasks, and make their tokens."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from taskstatus.access import make_token
from taskstatus.cancel import cancel
from taskstatus.checks import check_settings
from taskstatus.conf import settings
from taskstatus.exceptions import (
    AlreadyFinished,
    BadRequest,
    SettingError,
    TaskStatusError,
    UnknownTask,
)
from taskstatus.messages import encode
from taskstatus.publisher import flush
from taskstatus.terminal import words
from taskstatus.terminal.address import StreamAddress, is_url, stream_urls
from taskstatus.terminal.arguments import add_subcommands
from taskstatus.terminal.card import show_table, write_rows
from taskstatus.terminal.exits import ExitCode, TerminalError, orderly, worst_of
from taskstatus.terminal.launch import enqueue
from taskstatus.terminal.listing import show_list
from taskstatus.terminal.local import follow_here, list_here, read_here
from taskstatus.terminal.patience import Patience
from taskstatus.terminal.poll import LongPoll
from taskstatus.terminal.question import Wish, ask
from taskstatus.terminal.remote import RemoteFollower
from taskstatus.terminal.view import View, choose_view, write_json, write_line

__all__ = ["Command"]

_EXITS: dict[type[TaskStatusError], ExitCode] = {
    UnknownTask: ExitCode.UNKNOWN,
    BadRequest: ExitCode.USAGE,
    SettingError: ExitCode.USAGE,
}


class Command(BaseCommand):
    """Exits with the task's outcome (``ExitCode``); called by ``call_command``, raises it."""

    help = "Start, follow, list, show and cancel Celery tasks, and make tokens for them."
    # Only our own settings matter here, and handle() looks at those.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the subcommands."""
        add_subcommands(parser)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run from the command line; argparse's exit code for wrong arguments means REVOKED."""
        self._called_from_command_line = True
        try:
            self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
        except SystemExit as exc:
            sys.exit(ExitCode.USAGE if exc.code == 2 else exc.code)
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand.

        Raises CommandError with an exit code when it can't be done, and SystemExit for a task
        that was followed to an end other than SUCCESS.
        """
        if wrong := [found.msg for found in check_settings(None) if found.is_serious()]:
            raise CommandError(" ".join(wrong), returncode=ExitCode.USAGE)
        self._out, self._err = _stream(self.stdout), _stream(self.stderr)
        run = {
            "start": self._start,
            "follow": self._follow,
            "list": self._list,
            "show": self._show,
            "token": self._token,
            "cancel": self._cancel,
        }[options["subcommand"]]
        try:
            run(options)
        except TerminalError as error:
            raise CommandError(words.printable(error), returncode=error.exit_code) from error
        except TaskStatusError as error:
            code = _EXITS.get(type(error), ExitCode.UNAVAILABLE)
            raise CommandError(_sentence(error), returncode=code) from error
        except BrokenPipeError:
            # Whoever read it has gone (`| head`); at exit Python would complain once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(ExitCode.BROKEN_PIPE) from None
        except KeyboardInterrupt:
            raise SystemExit(ExitCode.INTERRUPTED) from None

    def _start(self, options: dict[str, Any]) -> None:
        task_id = enqueue(
            options["name"], options["task_args"], options["task_kwargs"], force=options["force"]
        )
        if not flush():
            note = "The status store does not answer: the task is enqueued, but not yet recorded."
            write_line(self._err, note)
        token, urls = make_token(task_id), stream_urls(options["base_url"], task_id)
        if options["as_json"]:
            write_json(self._out, encode({"task_id": task_id, "token": token, "urls": urls}))
        else:
            rows = [("WebSocket", urls["websocket"]), ("Events", urls["sse"])]
            rows.append(("Long-poll", urls["longpoll"]))
            write_rows(self._out, [("Task", task_id), ("Token", token), *rows])
        if options["follow"]:
            self._watch([task_id], options, from_start=True)

    def _follow(self, options: dict[str, Any]) -> None:
        targets = list(dict.fromkeys(options["targets"]))
        if not any(map(is_url, targets)):
            self._watch(targets, options)
            return
        if len(targets) > 1:
            raise BadRequest("Several tasks are followed by their ids; of URLs it takes one.")
        try:
            address = StreamAddress.from_url(targets[0], token=options["token"])
        except ValueError as exc:
            raise BadRequest(str(exc)) from exc

        def follow(view: View, *, again: bool) -> list[str]:
            patience = Patience(options["patience"], note=view.note)
            return [RemoteFollower(address, view, patience).follow()]

        def stop() -> None:
            with LongPoll(address) as poll:
                poll.cancel()

        self._show_live(follow, stop, options)

    def _watch(
        self, task_ids: list[str], options: dict[str, Any], *, from_start: bool = False
    ) -> None:
        """Follow tasks by the store itself."""

        def follow(view: View, *, again: bool) -> list[str]:
            return follow_here(task_ids, view.show, from_start=from_start and not again)

        def stop() -> None:
            for task_id in task_ids:
                with contextlib.suppress(AlreadyFinished, UnknownTask):
                    cancel(task_id)

        self._show_live(follow, stop, options, several=len(task_ids) > 1)

    def _show_live(
        self,
        follow: Callable[..., list[str]],
        stop: Callable[[], None],
        options: dict[str, Any],
        *,
        several: bool = False,
    ) -> None:
        """Show what ``follow`` tells, and exit as the tasks did; at Ctrl-C ask what is meant."""
        look = {"as_json": options["as_json"], "color": _color(options), "several": several}
        again = False
        while True:
            try:
                with orderly(), choose_view(self._out, self._err, **look) as view:
                    states = follow(view, again=again)
                break
            except KeyboardInterrupt:
                wish = Wish.DETACH if options["as_json"] else ask(self._err)
                if wish is Wish.DETACH:
                    write_line(self._err, "No longer followed; the task itself goes on.")
                    raise
                if wish is Wish.CANCEL:
                    with contextlib.suppress(AlreadyFinished):
                        stop()
                    write_line(self._err, "The task is asked to stop; its end is REVOKED.")
                again = True
        if unknown := states.count(""):
            write_line(self._err, f"{unknown} of {len(states)} tasks are unknown.")
        if code := worst_of(states):
            raise SystemExit(code)

    def _list(self, options: dict[str, Any]) -> None:
        listing = list_here(options["most"], frozenset(options["states"]))
        look = {"as_json": options["as_json"], "color": _color(options)}
        show_list(self._out, listing.statuses, **look)
        if not listing.complete:
            write_line(self._err, "Redis holds too much to look at all of it; there may be more.")

    def _show(self, options: dict[str, Any]) -> None:
        text = read_here(options["task_id"])
        if options["as_json"]:
            write_json(self._out, text)
        else:
            show_table(self._out, words.facts(json.loads(text)), color=_color(options))

    def _token(self, options: dict[str, Any]) -> None:
        task_id, scope = options["task_id"], options["scope"]
        token = make_token(task_id, scope=scope, max_age=options["max_age"])
        if options["as_json"]:
            write_json(self._out, encode({"task_id": task_id, "token": token, "scope": scope}))
        else:
            write_line(self._out, token)

    def _cancel(self, options: dict[str, Any]) -> None:
        ended = False
        try:
            cancel(options["task_id"])
        except AlreadyFinished:
            ended = True
        if options["as_json"]:
            write_json(self._out, encode({"task_id": options["task_id"], "asked": not ended}))
        elif ended:
            write_line(self._err, "The task has already ended.")
        else:
            write_line(self._out, "The task is asked to stop; its end is REVOKED.")
        if ended:
            raise SystemExit(ExitCode.FAILURE)


def _stream(wrapper: Any) -> TextIO:
    """Return what is below Django's wrapper, which would add line ends of its own."""
    stream: TextIO = getattr(wrapper, "_out", wrapper)
    return stream


def _color(options: dict[str, Any]) -> bool | None:
    """Return what the user wants, None for no wish."""
    if options["force_color"]:
        return True
    return False if options["no_color"] else None


def _sentence(error: TaskStatusError) -> str:
    if isinstance(error, UnknownTask) and settings.store_url.startswith("memory:"):
        return f"{error} (TASKSTATUS_STORE_URL is memory://, which no other process can see.)"
    return words.printable(error)
