"""Who may read or stop a task. Closed by default."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from asgiref.sync import sync_to_async
from channels.auth import get_user
from django.conf import settings as django_settings
from django.core import signing
from django.utils.module_loading import import_string

from taskstatus.conf import settings
from taskstatus.exceptions import Forbidden
from taskstatus.stores import get_store

__all__ = [
    "Caller",
    "admit",
    "allow_any",
    "is_allowed",
    "is_settled",
    "is_still_allowed",
    "make_token",
    "owner_or_token",
    "read_token",
]

logger = logging.getLogger(__name__)

Action = Literal["read", "cancel"]
Policy = Callable[["Caller", str, Action], Awaitable[bool]]

SALT = "taskstatus.access"
SCOPES: dict[str, frozenset[str]] = {
    "read": frozenset({"read"}),
    "read+cancel": frozenset({"read", "cancel"}),
}
PERMISSION = "taskstatus.view_taskstatus"
#: Tokens whose signature was checked lately.
MAX_SIGNED = 4_096
#: More than one request can name; a connection may bring others for as long as it lasts.
MAX_KNOWN_TOKENS = 256


@dataclass(slots=True)
class _Known:
    """What has been found out about whoever opened a connection, whichever task it is about."""

    user: Any = None
    #: What each token says, None for one that is not ours.
    tokens: dict[str, Any] = field(default_factory=dict)
    #: Made when the user is asked for: most bring a token, and stay for long.
    lock: asyncio.Lock | None = None


@dataclass(slots=True)
class Caller:
    """Who asks. What costs a query is loaded when a policy asks for it, and then once."""

    #: The ASGI scope of the connection.
    scope: dict[str, Any]
    #: The token that came with it, as sent.
    token: str = ""
    #: When the access ends, seconds since the epoch; a policy may set it.
    expires: float | None = None
    _known: _Known = field(default_factory=_Known, repr=False)

    @property
    def client(self) -> tuple[str, str]:
        """Who is counted as one client: the token's holder, else the user, else the address."""
        if self.token:
            return "token", self.token
        user = self._known.user
        if user is not None and user.is_authenticated:
            return "user", str(user.pk)
        return "address", (self.scope.get("client") or ("",))[0]

    async def user(self) -> Any:
        """Return the user of the session, AnonymousUser without one."""
        known = self._known
        known.lock = known.lock or asyncio.Lock()
        async with known.lock:
            if known.user is None:
                user = self.scope.get("user")
                known.user = user if user is not None else await get_user(self.scope)
        return known.user

    def holding(self, token: str) -> Caller:
        """Return the same caller with a token; what is known already need not be asked again."""
        return Caller(self.scope, token, _known=self._known)

    def anew(self) -> Caller:
        """Return the same caller, of whom nothing is known yet."""
        scope = self.scope
        if "session" in scope:
            session = scope["session"]
            again = session.__class__(session.session_key)
            scope = {key: value for key, value in scope.items() if key != "user"}
            scope["session"] = again
        return Caller(scope, token=self.token)

    def token_ends(self, task_id: str, action: Action) -> float | None:
        """See read_token()."""
        tokens = self._known.tokens
        if self.token not in tokens:
            if len(tokens) >= MAX_KNOWN_TOKENS:
                tokens.clear()
            tokens[self.token] = _content(self.token)
        return _ends(tokens[self.token], task_id, action)

    def forget_tokens(self) -> None:
        """Let go of what the tokens say, once none is asked about again."""
        self._known.tokens.clear()

    async def has_permission(self, permission: str) -> bool:
        """Return whether the user has a Django permission."""
        user = await self.user()
        return bool(await sync_to_async(user.has_perm)(permission))


def make_token(task_id: str, scope: str = "read", max_age: float | None = None) -> str:
    """Return a signed token that lets its holder read a task (or ``"read+cancel"``).

    It ends after ``max_age`` seconds (None: TOKEN_MAX_AGE_SECONDS). It is safe in a URL. Raises
    ValueError for another scope.
    """
    if scope not in SCOPES:
        raise ValueError(f"scope must be one of {', '.join(SCOPES)}, not {scope!r}")
    age = settings.TOKEN_MAX_AGE_SECONDS if max_age is None else max_age
    return signing.dumps(
        [task_id, scope, math.floor((time.time() + age) * 1_000) / 1_000], salt=SALT
    )


def read_token(token: str, task_id: str, action: Action) -> float | None:
    """Return when the token ends (seconds since the epoch), or None when it doesn't allow this.

    Nothing is raised for a token that is broken, forged, past, or another task's.
    """
    return _ends(_content(token), task_id, action)


def _content(token: str) -> Any:
    keys = (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)
    try:
        return _signed(token, keys)
    except (signing.BadSignature, ValueError):
        return None


@lru_cache(maxsize=MAX_SIGNED)
def _signed(token: str, keys: tuple[str, ...]) -> Any:
    """Return what a token says, by these keys of the settings. Raises BadSignature, ValueError.

    Long-poll clients bring theirs again and again; what is not ours is not kept.
    """
    content: Any = _signer(keys).unsign_object(token)
    return content


@lru_cache(maxsize=2)
def _signer(keys: tuple[str, ...]) -> signing.TimestampSigner:
    """Return what reads as ``signing.loads()`` does, which makes one each time."""
    return signing.TimestampSigner(key=keys[0], fallback_keys=[*keys[1:]], salt=SALT)


def _ends(content: Any, task_id: str, action: Action) -> float | None:
    match content:
        case [str(named), str(scope), float(expires)]:
            allows = named == task_id and action in SCOPES.get(scope, ())
            return expires if allows and expires > time.time() else None
        case _:
            return None


async def owner_or_token(caller: Caller, task_id: str, action: Action) -> bool:
    """The default policy: holders of a token, the task's owner, and those with the permission.

    The permission (``taskstatus.view_taskstatus``) is for reading only. A token is checked by its
    signature alone; when there is one, nothing else counts.
    """
    if caller.token:
        caller.expires = caller.token_ends(task_id, action)
        return caller.expires is not None
    user = await caller.user()
    if not user.is_authenticated:
        return False
    # No more is read than the owner, so that a refusal takes as long for a task that is there, and
    # has a long result, as for one that never was.
    if await get_store().aowner(task_id) == str(user.pk):
        return True
    return action == "read" and await caller.has_permission(PERMISSION)


async def allow_any(caller: Caller, task_id: str, action: Action) -> bool:
    """Let anybody read and stop any task whose id they know: the tutorial's behaviour."""
    del caller, task_id, action
    return True


async def is_allowed(caller: Caller, task_id: str, action: Action = "read") -> bool:
    """Ask the policy that the settings name."""
    return await _policy(settings.ACCESS_POLICY)(caller, task_id, action)


def is_settled(caller: Caller) -> bool:
    """Return whether a caller who was let in is so until ``caller.expires``, come what may.

    Whoever holds a token is, under our own policies: what is signed does not change. There is no
    need to ask again, then.
    """
    policy = _policy(settings.ACCESS_POLICY)
    return policy is allow_any or (policy is owner_or_token and caller.expires is not None)


async def is_still_allowed(caller: Caller, task_id: str) -> bool:
    """Ask the policy whether who was let in may go on reading, by what is true now.

    The benefit of the doubt is with the reader while nobody can tell: the store or the database
    is away, or the store has lost the task and with it the owner. Raises nothing.
    """
    try:
        if await is_allowed(caller.anew(), task_id):
            return True
        return await get_store().aread(task_id) is None
    except Exception as exc:  # noqa: BLE001 - a policy may ask anything, sessions may be anywhere
        logger.warning("Whether a stream may go on can't be told now: %r", exc)
        return True


async def admit(caller: Caller, task_id: str, tokens: Iterable[str] = ()) -> Caller:
    """Return the caller with the first of its tokens that lets it read a task.

    Without a token its session has to. Raises Forbidden.
    """
    for token in tokens or ("",):
        holder = caller.holding(token)
        if await is_allowed(holder, task_id):
            return holder
    raise Forbidden


@lru_cache(maxsize=8)
def _policy(path: str) -> Policy:
    policy: Policy = import_string(path)
    return policy
