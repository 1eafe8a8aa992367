"""The settings, all optional: ``TASKSTATUS_<NAME>`` in Django's settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from django.conf import settings as django_settings

from taskstatus.exceptions import SettingError

__all__ = ["settings"]

PREFIX = "TASKSTATUS_"
T = TypeVar("T")


class Settings:
    """Each attribute is a default; reading it gives the project's own value where there is one.

    A value is read when it is first asked for, and again after ``override_settings``.
    ``checks.py`` reports wrong values.
    """

    def __init__(self) -> None:
        self._holder: tuple[object, dict[str, Any]] = (None, {})

    def _known(self) -> dict[str, Any]:
        """Return what was read since the settings were last overridden.

        Each override puts another object in front of the settings. ``setting_changed`` would not
        do: it isn't sent when a test deletes a setting, as Django's manual has it.
        """
        overridden, known = self._holder
        current = object.__getattribute__(django_settings, "_wrapped")
        if overridden is not current:
            known = {}
            self._holder = (current, known)
        return known

    #: ``redis://…`` or ``memory://``; empty means the Redis that the channel layer names.
    STORE_URL: str = ""
    #: Which of CHANNEL_LAYERS carries the messages.
    CHANNEL_LAYER: str = "default"
    #: Dotted path of ``async (caller, task_id, action) -> bool``.
    ACCESS_POLICY: str = "taskstatus.access.owner_or_token"
    #: Dotted path of ``(exception, task_id) -> str``: what readers are told of an exception.
    ERROR_FILTER: str = "taskstatus.errors.as_written"
    #: Origins that may read streams across sites, as ``https://example.org``.
    ALLOWED_ORIGINS: Sequence[str] = ()
    #: How long a finished task is kept after its last change.
    RETENTION_SECONDS: float = 86_400
    #: How many messages are kept for each task, for clients that come back.
    MAX_EVENTS: int = 1_000
    #: How often a server compares what its clients have with what is stored.
    RECONCILE_SECONDS: float = 10
    #: How long a worker may show no sign of life before its tasks are called stalled.
    STALLED_AFTER_SECONDS: float = 30
    #: How often an idle connection carries a sign of life.
    KEEPALIVE_SECONDS: float = 15
    #: How long a stream lives before the client is asked to come back.
    MAX_STREAM_SECONDS: float = 600
    #: An open stream asks the access policy again at least this often, so that it ends with the
    #: session, the user or the permission that it was opened with. (A token ends at its own time.)
    RECHECK_SECONDS: float = 45
    #: The largest JSON result that is sent along.
    MAX_RESULT_BYTES: int = 65_536
    #: Streams and waiting polls of one client (a token, else a user, else an address). Each server
    #: process counts its own: with four processes a client may have four times as many.
    MAX_CONNECTIONS_PER_CLIENT: int = 100
    #: How long a token is good for, if it was made without ``max_age``.
    TOKEN_MAX_AGE_SECONDS: float = 86_400
    #: Whether a process that serves streams may tell Python's cyclic collector to walk only what is
    #: new. It does so only where the collector is as Python sets it.
    TUNE_COLLECTOR: bool = True
    #: At most one progress message per task in this time; the last value is always sent.
    PROGRESS_INTERVAL_SECONDS: float = 0.1

    def __getattribute__(self, name: str) -> Any:
        get = object.__getattribute__
        if not name.isupper():
            return get(self, name)
        known = get(self, "_known")()
        if name not in known:
            # Django's own settings take several times as long to ask.
            known[name] = getattr(django_settings, PREFIX + name, get(self, name))
        return known[name]

    @property
    def store_url(self) -> str:
        """The URL of the store: STORE_URL, else the Redis that the channel layer already names.

        Raises SettingError when there is neither.
        """
        return self.keep("store_url", lambda: self.STORE_URL or layer_store_url(self.CHANNEL_LAYER))

    def keep(self, name: str, make: Callable[[], T]) -> T:
        """Return what ``make`` returns, made once until a setting changes."""
        known = self._known()
        if name not in known:
            known[name] = make()
        kept: T = known[name]
        return kept


settings = Settings()


def layer_store_url(alias: str) -> str:
    """Return the store URL that goes with a channel layer: its first Redis, or ``memory://``.

    Raises SettingError when the layer is missing, or of a kind that names no Redis.
    """
    layer = getattr(django_settings, "CHANNEL_LAYERS", {}).get(alias)
    if layer is None:
        raise SettingError(
            f"CHANNEL_LAYERS has no {alias!r}; name a layer in it, or set TASKSTATUS_CHANNEL_LAYER."
        )
    backend = layer.get("BACKEND", "")
    if backend.endswith("InMemoryChannelLayer"):
        return "memory://"
    hosts = layer.get("CONFIG", {}).get("hosts")
    if not hosts and not backend.startswith("channels_redis."):
        raise SettingError(
            f"The channel layer {backend or alias!r} names no Redis; set TASKSTATUS_STORE_URL."
        )
    return host_url(hosts[0] if hosts else "redis://localhost:6379")


def host_url(host: Any) -> str:
    """Return one entry of channels-redis's ``hosts`` as a URL.

    Raises SettingError for an entry that names no single server (Sentinel).
    """
    if isinstance(host, str):
        return host
    if isinstance(host, Sequence):
        return f"redis://{host[0]}:{host[1]}"
    if "address" in host:
        return str(host["address"])
    if "host" not in host:
        raise SettingError("This entry of hosts names no single Redis; set TASKSTATUS_STORE_URL.")
    secret = f":{quote(host['password'], safe='')}@" if host.get("password") else ""
    return f"redis://{secret}{host['host']}:{host.get('port', 6379)}/{host.get('db', 0)}"
