"""``manage.py check``: is the app installed so that it can work? Its settings: checks.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.metadata import version
from typing import Any

from celery import current_app
from django.conf import settings as django_settings
from django.core import checks
from django.utils.module_loading import import_string

from taskstatus.conf import PREFIX, Settings, settings
from taskstatus.exceptions import SettingError, StoreUnavailable
from taskstatus.stores import get_store

__all__ = ["check_installation", "check_store_answers", "wrapped"]

CORE_LAYER = "channels_redis.core.RedisChannelLayer"
IN_MEMORY_LAYER = "channels.layers.InMemoryChannelLayer"
EXAMPLE_LAYERS = (
    '{"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", '
    '"CONFIG": {"hosts": ["redis://localhost:6379/0"]}}}'
)
#: redis-py gives up on an answer after five seconds from here on, which is as long as the core
#: layer waits for a message at a time.
IMPATIENT_REDIS = 8
LAYER_WAIT_SECONDS = 5

#: The applications that with_taskstatus() has made in this process, so far.
wrapped: list[object] = []


def check_installation(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Return what keeps the app from working, or from working well, as it is installed."""
    del app_configs, kwargs
    return [*_check_names(), *_check_apps(), *_check_asgi(), *_check_layer(), *_check_sharing()]


def check_store_answers(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Return an error when the store does not answer: for ``check --deploy``."""
    del app_configs, kwargs
    try:
        get_store().ping()
    except (SettingError, ValueError):
        return []  # check_settings() tells it
    except StoreUnavailable as error:
        return [
            checks.Error(
                str(error),
                hint="Look at TASKSTATUS_STORE_URL, and whether Redis can be reached from here.",
                id="taskstatus.E011",
            )
        ]
    return []


def _check_names() -> Iterator[checks.CheckMessage]:
    known = [PREFIX + name for name in vars(Settings) if name.isupper()]
    for name in dir(django_settings):
        if name.startswith(PREFIX) and name not in known:
            close = get_close_matches(name, known, n=1)
            yield checks.Warning(
                f"There is no setting {name}.",
                hint=f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}.",
                id="taskstatus.W001",
            )


def _check_apps() -> Iterator[checks.CheckMessage]:
    apps = list(django_settings.INSTALLED_APPS)
    # Where daphne stands after staticfiles, its own check says so (daphne.E001).
    if "daphne" not in apps:
        yield checks.Warning(
            "'daphne' is not in INSTALLED_APPS: 'manage.py runserver' serves no task streams.",
            hint="Put 'daphne' first in INSTALLED_APPS. If you always serve with another ASGI "
            "server, silence this check.",
            id="taskstatus.W002",
        )
    if "channels" not in apps:
        yield checks.Warning(
            "'channels' is not in INSTALLED_APPS.",
            hint="Add 'channels' to INSTALLED_APPS, before 'taskstatus'.",
            id="taskstatus.W003",
        )


def _check_asgi() -> Iterator[checks.CheckMessage]:
    path = getattr(django_settings, "ASGI_APPLICATION", None)
    if not path:
        # Where django-admin puts it: beside the URLs.
        package = str(getattr(django_settings, "ROOT_URLCONF", "")).rpartition(".")[0] or "proj"
        yield checks.Warning(
            "ASGI_APPLICATION is not set: 'manage.py runserver' serves no task streams.",
            hint=f'For instance ASGI_APPLICATION = "{package}.asgi.application".',
            id="taskstatus.W004",
        )
        return
    # A worker need not carry a server's code.
    if not _is_looked_at() and path.rpartition(".")[0] not in sys.modules:
        return
    module = path.rpartition(".")[0]
    try:
        import_string(path)
    except Exception as error:  # noqa: BLE001  it is the project's code, and may raise anything
        yield checks.Error(
            f"ASGI_APPLICATION can't be imported: {type(error).__name__}: {error}.",
            hint=f"{module} needs application = with_taskstatus(get_asgi_application()), "
            "from taskstatus.routing and django.core.asgi.",
            id="taskstatus.E012",
        )
        return
    if not wrapped:
        yield checks.Warning(
            f"{path} is not wrapped by with_taskstatus(): there are no task streams.",
            hint=f"In {module}: application = with_taskstatus(application), "
            "from taskstatus.routing.",
            id="taskstatus.W005",
        )


def _is_looked_at() -> bool:
    """Return whether somebody asks, or starts the development server."""
    return not {"check", "runserver"}.isdisjoint(sys.argv[1:2])


def _check_layer() -> Iterator[checks.CheckMessage]:
    layer = _layer()
    if layer is None:
        yield checks.Error(
            f"CHANNEL_LAYERS has no {settings.CHANNEL_LAYER!r}.",
            hint=f"For instance CHANNEL_LAYERS = {EXAMPLE_LAYERS}. One of another name is named in "
            "TASKSTATUS_CHANNEL_LAYER.",
            id="taskstatus.E010",
        )
        return
    if layer.get("BACKEND") != CORE_LAYER:
        return
    yield checks.Info(
        "channels_redis.core drops messages of busy servers; taskstatus finds them again, up to "
        f"{settings.RECONCILE_SECONDS} s later.",
        hint="channels_redis.pubsub.RedisPubSubChannelLayer drops none, and costs a fifth.",
        id="taskstatus.I001",
    )
    if int(version("redis").partition(".")[0]) >= IMPATIENT_REDIS and any(
        map(_gives_up, layer.get("CONFIG", {}).get("hosts") or [None])
    ):
        yield checks.Warning(
            f"channels_redis.core loses its idle consumers every {LAYER_WAIT_SECONDS} seconds "
            f"with redis-py {version('redis')}, whose default timeout is as long as it waits.",
            hint='Write each of its hosts as {"address": "redis://…", "socket_timeout": None}, '
            "or use channels_redis.pubsub.RedisPubSubChannelLayer.",
            id="taskstatus.W006",
        )


def _gives_up(host: Any) -> bool:
    """Return whether a connection to this host times out while the core layer waits."""
    timeout = host.get("socket_timeout", 0) if isinstance(host, Mapping) else 0
    return timeout is not None and timeout <= LAYER_WAIT_SECONDS


def _check_sharing() -> Iterator[checks.CheckMessage]:
    """Tasks run in a worker, pages are served by a server: they must have something in common."""
    try:
        store = settings.store_url
    except SettingError:
        return  # check_settings() tells it
    conf = current_app.conf
    if conf.task_always_eager and _is_looked_at():
        yield checks.Info(
            "CELERY_TASK_ALWAYS_EAGER is set: a task runs within the request that starts it, and "
            "pages show no more than its end.",
            hint="Turn it off and start a worker to see tasks live.",
            id="taskstatus.I002",
        )
    if conf.task_always_eager or str(conf.broker_url or "").startswith("memory:"):
        return  # tasks run in this process
    if store.startswith("memory:"):
        yield checks.Warning(
            "The status store is memory://, which workers and servers do not share: nobody sees "
            "what a worker does.",
            hint='Set TASKSTATUS_STORE_URL = "redis://…", or CELERY_TASK_ALWAYS_EAGER in tests.',
            id="taskstatus.W007",
        )
    elif (_layer() or {}).get("BACKEND") == IN_MEMORY_LAYER:
        yield checks.Warning(
            "The channel layer is in memory, which workers and servers do not share: what a "
            f"worker does is seen up to {settings.RECONCILE_SECONDS} s late.",
            hint="Use channels_redis.pubsub.RedisPubSubChannelLayer.",
            id="taskstatus.W008",
        )


def _layer() -> dict[str, Any] | None:
    layers: dict[str, Any] = getattr(django_settings, "CHANNEL_LAYERS", {})
    return layers.get(settings.CHANNEL_LAYER)
