"""Who may do what with which task, on every door, as one table."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.acceptance.faults.wire import Answer, ask
from tests.harness.site import post
from tests.harness.steps import pending, started, success
from tests.harness.visitor import log_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Layer
    from tests.harness.site import Site

DOORS = ("websocket", "sse", "longpoll", "snapshot", "page", "cancel")
TASKS = ("live", "finished", "unknown")
CSRF = "a" * 32
#: What is answered to who may: on each kind of task, over HTTP.
READ = {"live": 200, "finished": 200, "unknown": 404}
CANCEL = {"live": 202, "finished": 409, "unknown": 404}
#: And over a WebSocket: the close code, 0 while it stays open.
CLOSE = {"live": 0, "finished": 1000, "unknown": 4404}


@dataclass(frozen=True, slots=True)
class Rights:
    """Which of the tasks a caller may read, and which it may stop."""

    read: tuple[str, ...] = ()
    cancel: tuple[str, ...] = ()


KNOWN = ("live", "finished")
CALLERS = {
    "anonymous": Rights(),
    "another user": Rights(),
    # Of a task that is not there nobody is the owner.
    "the owner": Rights(KNOWN, KNOWN),
    "the owner without a CSRF token": Rights(KNOWN),
    "a user with the permission": Rights(TASKS),
    "the owner with a broken token": Rights(),
    "a token to read": Rights(TASKS),
    "a token to read and cancel": Rights(TASKS, TASKS),
    "another task's token": Rights(),
    "a token that has expired": Rights(),
    "a token that was changed": Rights(),
}


async def credentials(site: Site, task_id: str, sessions: dict[str, str]) -> dict[str, str]:
    """Return each caller's token for a task; those with none have a session, or nothing."""

    async def token(task_id: str, **options: object) -> str:
        order = {"task_id": task_id, "token": options}
        return str((await post(site.server(0).url, "/drive/", order))["token"])

    good = await token(task_id)
    return dict.fromkeys(sessions, "") | {
        "anonymous": "",
        "the owner with a broken token": "broken",
        "a token to read": good,
        "a token to read and cancel": await token(task_id, scope="read+cancel"),
        "another task's token": await token(str(uuid.uuid4()), scope="read+cancel"),
        "a token that has expired": await token(task_id, max_age=-1),
        "a token that was changed": good[:-1] + ("A" if good[-1] != "A" else "B"),
    }


async def knock(url: str, door: str, task_id: str, token: str, cookie: str) -> Answer:
    """Ask for a task at one of the doors."""
    headers = {b"Cookie": cookie.encode()} if cookie else {}
    if "csrftoken" in cookie:
        headers |= {b"X-CSRFToken": CSRF.encode()}
    target = f"/task_status/{task_id}/"
    query = f"?token={quote(token)}" if token else ""
    if door == "cancel":
        headers |= {b"Content-Length": b"0"}
        path = f"{target}cancel/{query}".encode()
        return await ask(url, "snapshot", path, method=b"POST", headers=headers)
    if door == "page":
        return await ask(url, "snapshot", f"{target}page/{query}".encode(), headers=headers)
    return await ask(url, door, f"{target}{query}".encode(), headers=headers)


async def test_each_caller_gets_what_is_due_and_learns_nothing_else(
    site_on: Callable[[Layer], Site],
) -> None:
    """A refusal is the same, to the byte, whether the task is there, is over, or never was."""
    site = site_on("pubsub")
    url = site.server(1).url
    owner, other = await log_in(site.server(0)), await log_in(site.server(0))
    staff = await log_in(site.server(0), permission="view_taskstatus")
    with_csrf = f"; csrftoken={CSRF}"
    sessions = {
        "another user": other.headers["Cookie"] + with_csrf,
        "the owner": owner.headers["Cookie"] + with_csrf,
        "the owner without a CSRF token": owner.headers["Cookie"],
        "a user with the permission": staff.headers["Cookie"] + with_csrf,
        "the owner with a broken token": owner.headers["Cookie"] + with_csrf,
    }
    life = [pending(), started()]
    ids = {
        "live": (await site.task(*life, owner=owner.user_id)).id,
        "finished": (await site.task(*life, success(), owner=owner.user_id)).id,
        "unknown": str(uuid.uuid4()),
    }
    refusals: dict[tuple[str, str], set[tuple[int, int, bytes, tuple[str, ...]]]] = {}
    for kind, task_id in ids.items():
        tokens = await credentials(site, task_id, sessions)
        assert set(tokens) == set(CALLERS)
        for caller, rights in CALLERS.items():
            cookie = sessions.get(caller, "")
            knocking = (knock(url, door, task_id, tokens[caller], cookie) for door in DOORS)
            for door, answer in zip(DOORS, await asyncio.gather(*knocking), strict=True):
                case = (caller, kind, door, answer.status, answer.close)
                if kind not in (rights.cancel if door == "cancel" else rights.read):
                    assert answer.close == 4403 or answer.status == 403, case
                    head = tuple(sorted(set(answer.head) - {"date"}))
                    body = b"" if door == "websocket" else answer.body
                    seen = (answer.status, answer.close, body, head)
                    refusals.setdefault((door, caller), set()).add(seen)
                elif door == "websocket":
                    assert (answer.status, answer.close) == (101, CLOSE[kind]), case
                else:
                    assert answer.status == (CANCEL if door == "cancel" else READ)[kind], case
    # Who has shown nothing learns nothing: neither by the answer nor by what it comes with.
    strangers = {caller for caller, rights in CALLERS.items() if rights == Rights()}
    told_apart = {
        case: seen for case, seen in refusals.items() if case[1] in strangers and len(seen) > 1
    }
    assert not told_apart
