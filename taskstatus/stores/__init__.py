"""Where statuses are kept."""

from __future__ import annotations

from functools import lru_cache

from taskstatus.conf import settings
from taskstatus.exceptions import SettingError
from taskstatus.stores.base import Listing, MissingRecord, Pulse, Reading, Store
from taskstatus.stores.memory import MemoryStore
from taskstatus.stores.redis import RedisStore

__all__ = ["Listing", "MissingRecord", "Pulse", "Reading", "Store", "get_store"]


def get_store() -> Store:
    """Return the store that the settings name; the same object for the same URL.

    Raises SettingError when TASKSTATUS_STORE_URL (or the channel layer it is taken from) does not
    name one.
    """
    return _open(settings.store_url)


@lru_cache(maxsize=8)
def _open(url: str) -> Store:
    scheme = url.partition("://")[0]
    if scheme == "memory":
        return MemoryStore()
    if scheme in {"redis", "rediss", "unix"}:
        return RedisStore(url)
    raise SettingError(
        f"TASKSTATUS_STORE_URL begins with {scheme!r}; it takes redis://, rediss://, unix:// or "
        "memory://."
    )
