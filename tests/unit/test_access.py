"""Who may: closed by default, decided by the cheapest means first."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.core import signing

from taskstatus import access
from taskstatus.access import (
    Caller,
    admit,
    allow_any,
    is_allowed,
    is_settled,
    is_still_allowed,
    make_token,
    owner_or_token,
)
from taskstatus.exceptions import Forbidden
from taskstatus.testing import TaskDriver

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

#: Anything that has no query to answer.
ANYBODY: dict[str, Any] = {"user": AnonymousUser()}


async def refuse_all(caller: Caller, task_id: str, action: str) -> bool:
    """A project's own policy."""
    return False


class Unused:
    """A session that nobody may look at."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked of the session")


@pytest.fixture
def task() -> TaskDriver:
    """Return a task that user 7 owns."""
    driver = TaskDriver(owner="7")
    driver.pending()
    return driver


async def test_token_is_checked_without_a_query(task: TaskDriver) -> None:
    """Who has a token is not asked who they are; the caller's access ends with it."""
    scope = {"session": Unused(), "user": Unused()}
    caller = Caller(scope, token=make_token(task.task_id, max_age=60))
    assert await owner_or_token(caller, task.task_id, "read")
    assert caller.expires is not None
    assert caller.expires - time.time() == pytest.approx(60, abs=5)
    assert not await owner_or_token(caller, task.task_id, "cancel")


async def test_wrong_token_is_not_made_good_by_a_session(task: TaskDriver) -> None:
    """When there is a token, nothing else counts."""
    caller = Caller({"user": User(pk=7)}, token=make_token("another"))
    assert not await owner_or_token(caller, task.task_id, "read")


async def test_owner_may_read_and_stop_the_task(task: TaskDriver) -> None:
    """Who enqueued it is recognised by the session, as long as that lasts."""
    caller = Caller({"user": User(pk=7)})
    assert await owner_or_token(caller, task.task_id, "read")
    assert await owner_or_token(caller, task.task_id, "cancel")
    assert caller.expires is None


async def test_nobody_owns_a_task_without_an_owner() -> None:
    """Neither a user without a number nor an unknown task is let through."""
    driver = TaskDriver()
    driver.pending()
    for task_id in (driver.task_id, "unknown"):
        assert not await owner_or_token(Caller(ANYBODY), task_id, "read")
        assert not await owner_or_token(Caller({"user": User(pk=None)}), task_id, "cancel")


@pytest.mark.django_db(transaction=True)
async def test_permission_lets_one_read_every_task(task: TaskDriver) -> None:
    """``taskstatus.view_taskstatus`` is for reading alone, and others have it not."""
    user = await User.objects.acreate(pk=8, username="auditor")
    assert not await owner_or_token(Caller({"user": user}), task.task_id, "read")
    await user.user_permissions.aadd(await Permission.objects.aget(codename="view_taskstatus"))
    user = await User.objects.aget(pk=8)
    assert await owner_or_token(Caller({"user": user}), task.task_id, "read")
    assert not await owner_or_token(Caller({"user": user}), task.task_id, "cancel")


async def test_anonymous_caller_may_do_nothing(task: TaskDriver) -> None:
    """Closed by default."""
    assert not await is_allowed(Caller(ANYBODY), task.task_id)
    assert not await is_allowed(Caller(ANYBODY), task.task_id, "cancel")


async def test_open_policy_lets_everybody_in(settings: Settings) -> None:
    """The behaviour of the tutorial is one setting away."""
    settings.TASKSTATUS_ACCESS_POLICY = "taskstatus.access.allow_any"
    assert await is_allowed(Caller({"user": Unused()}), "any", "cancel")
    assert await allow_any(Caller({}), "any", "read")


async def test_project_may_have_a_policy_of_its_own(settings: Settings) -> None:
    """A dotted path is enough, and a changed setting counts at once."""
    settings.TASKSTATUS_ACCESS_POLICY = f"{__name__}.refuse_all"
    token = make_token("task")
    assert not await is_allowed(Caller({}, token=token), "task")
    settings.TASKSTATUS_ACCESS_POLICY = "taskstatus.access.owner_or_token"
    assert await is_allowed(Caller({}, token=token), "task")


async def test_user_is_loaded_once() -> None:
    """However often a policy asks, it is the same user."""
    caller = Caller({"user": User(pk=7)})
    assert await caller.user() is await caller.user()


@pytest.mark.parametrize(
    ("caller", "client"),
    [
        (Caller({"client": ("1.2.3.4", 5)}, token="abc"), ("token", "abc")),
        (Caller({"client": ("1.2.3.4", 5)}), ("address", "1.2.3.4")),
        (Caller({"client": None}), ("address", "")),
        (Caller({}), ("address", "")),
    ],
)
def test_client_is_whoever_can_be_told_apart(caller: Caller, client: tuple[str, str]) -> None:
    """A token's holder, else the address, is counted as one client."""
    assert caller.client == client


async def test_user_of_a_session_is_one_client() -> None:
    """Once the user is known, all of that user's connections count together."""
    caller = Caller({"user": User(pk=7), "client": ("1.2.3.4", 5)})
    await caller.user()
    assert caller.client == ("user", "7")


async def test_first_token_that_fits_lets_the_caller_in() -> None:
    """Of several tokens each is for a task of its own; access ends when that one does."""
    tokens = ["x", make_token("another"), make_token("task", max_age=60), make_token("task")]
    caller = await admit(Caller({"session": Unused()}), "task", tokens)
    assert caller.token == tokens[2]
    assert caller.expires is not None
    assert caller.expires - time.time() == pytest.approx(60, abs=5)


async def test_caller_whom_no_token_lets_in_is_refused() -> None:
    """Not even the session helps, once there is a token."""
    caller = Caller({"user": User(pk=7)})
    with pytest.raises(Forbidden):
        await admit(caller, "task", ["x", make_token("another")])
    with pytest.raises(Forbidden):
        await admit(Caller(ANYBODY), "task")


async def test_session_lets_the_owner_in(task: TaskDriver) -> None:
    """Without a token the session has to do."""
    caller = await admit(Caller({"user": User(pk=7)}), task.task_id)
    assert (caller.token, caller.expires) == ("", None)


async def test_what_is_known_of_a_caller_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tasks it asks for, at the same time, and with however many tokens."""
    loaded, read = [], []

    async def get_user(scope: dict[str, Any]) -> AnonymousUser:
        loaded.append(scope)
        await asyncio.sleep(0)
        return AnonymousUser()

    def unsign(signer: signing.Signer, token: str) -> Any:
        read.append(token)
        return []

    monkeypatch.setattr(access, "get_user", get_user)
    monkeypatch.setattr(signing.Signer, "unsign_object", unsign)
    caller = Caller({})
    await asyncio.gather(*(caller.holding("").user() for _ in range(3)))
    for task_id in ("one", "two"):
        for token in ("a", "b"):
            assert caller.holding(token).token_ends(task_id, "read") is None
    assert (len(loaded), read) == (1, ["a", "b"])
    for number in range(3 * access.MAX_KNOWN_TOKENS):
        caller.holding(str(number)).token_ends("one", "read")
    assert len(caller._known.tokens) <= access.MAX_KNOWN_TOKENS


class Session:
    """A session that is read from where it is kept each time that it is made."""

    stored: ClassVar[dict[str, str]] = {"key": "7"}

    def __init__(self, session_key: str) -> None:
        self.session_key = session_key
        self.user = self.stored.get(session_key)


async def by_session(caller: Caller, task_id: str, action: str) -> bool:
    """A project's own policy, by its own sessions."""
    return bool(caller.scope["session"].user == "7")


async def failing(caller: Caller, task_id: str, action: str) -> bool:
    """A policy whose database is away."""
    raise OSError("no database")


async def test_policy_is_asked_again_with_the_session_of_now(
    settings: Settings, task: TaskDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was loaded when the stream began does not count any more."""
    settings.TASKSTATUS_ACCESS_POLICY = f"{__name__}.by_session"
    caller = Caller({"session": Session("key"), "user": object()})
    assert await is_still_allowed(caller, task.task_id)
    monkeypatch.setattr(Session, "stored", {})
    assert await is_allowed(caller, task.task_id)
    assert not await is_still_allowed(caller, task.task_id)


async def test_token_is_checked_again(task: TaskDriver) -> None:
    """A good one is still good; one that has ended is not."""
    assert await is_still_allowed(Caller({}, token=make_token(task.task_id)), task.task_id)
    past = make_token(task.task_id, max_age=-1)
    assert not await is_still_allowed(Caller({}, token=past), task.task_id)


async def test_reader_stays_while_nobody_can_tell(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A task that the store has lost has no owner; a database that is away knows no user."""
    assert await is_still_allowed(Caller(ANYBODY), "a lost task")
    settings.TASKSTATUS_ACCESS_POLICY = f"{__name__}.failing"
    assert await is_still_allowed(Caller(ANYBODY), "a lost task")
    assert "can't be told now" in caplog.text


async def test_stranger_costs_the_same_read_for_any_task(
    task: TaskDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the owner is looked up, be the task there or not: nothing else could take its time."""
    asked = []

    class OnlyOwners:
        async def aowner(self, task_id: str) -> str:
            asked.append(task_id)
            return "7" if task_id == task.task_id else ""

    monkeypatch.setattr(access, "get_store", OnlyOwners)
    stranger = User(pk=8, username="stranger")
    monkeypatch.setattr(stranger, "has_perm", lambda permission: False)
    for task_id in (task.task_id, "never was"):
        assert not await owner_or_token(Caller({"user": stranger}), task_id, "read")
    assert asked == [task.task_id, "never was"]


async def test_only_time_ends_what_a_token_allows(settings: Settings, task: TaskDriver) -> None:
    """Under our own policies; a session may end, and a project's policy may ask anything."""
    holder = await admit(Caller(ANYBODY), task.task_id, [make_token(task.task_id)])
    assert is_settled(holder)
    assert not is_settled(Caller(ANYBODY))
    settings.TASKSTATUS_ACCESS_POLICY = "taskstatus.access.allow_any"
    assert is_settled(Caller(ANYBODY))
    settings.TASKSTATUS_ACCESS_POLICY = f"{__name__}.by_session"
    assert not is_settled(holder)
