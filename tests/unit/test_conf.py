"""Settings: the project's own where there is one, and a store that need not be named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from taskstatus.conf import Settings as TaskStatusSettings
from taskstatus.conf import host_url, layer_store_url, settings
from taskstatus.exceptions import SettingError

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

#: PROTOCOL §9.
DEFAULTS = {
    "STORE_URL": "",
    "CHANNEL_LAYER": "default",
    "ACCESS_POLICY": "taskstatus.access.owner_or_token",
    "ERROR_FILTER": "taskstatus.errors.as_written",
    "ALLOWED_ORIGINS": (),
    "RETENTION_SECONDS": 86_400,
    "MAX_EVENTS": 1_000,
    "RECONCILE_SECONDS": 10,
    "STALLED_AFTER_SECONDS": 30,
    "KEEPALIVE_SECONDS": 15,
    "MAX_STREAM_SECONDS": 600,
    "RECHECK_SECONDS": 45,
    "MAX_RESULT_BYTES": 65_536,
    "MAX_CONNECTIONS_PER_CLIENT": 100,
    "TOKEN_MAX_AGE_SECONDS": 86_400,
    "TUNE_COLLECTOR": True,
    "PROGRESS_INTERVAL_SECONDS": 0.1,
}


@pytest.mark.parametrize(("name", "value"), DEFAULTS.items())
def test_setting_has_its_default(settings: Settings, name: str, value: object) -> None:
    """What the project does not set is as the protocol says."""
    if name == "STORE_URL":
        del settings.TASKSTATUS_STORE_URL
    assert getattr(TaskStatusSettings(), name) == value


def test_there_are_no_settings_but_those_of_the_protocol() -> None:
    """A setting that is added has to be documented."""
    assert {name for name in vars(TaskStatusSettings) if name.isupper()} == set(DEFAULTS)


def test_setting_of_the_project_is_read_when_it_is_used(settings: Settings) -> None:
    """A changed setting counts from the next access on."""
    assert TaskStatusSettings().MAX_EVENTS == 1_000
    settings.TASKSTATUS_MAX_EVENTS = 5
    assert TaskStatusSettings().MAX_EVENTS == 5


def test_every_way_to_override_a_setting_counts_at_once() -> None:
    """Set, deleted, nested, and undone again: what was read before is not kept."""
    subject = TaskStatusSettings()
    with override_settings(TASKSTATUS_MAX_EVENTS=5):
        assert subject.MAX_EVENTS == 5
        with override_settings():
            # Django's own way to be without a setting, of which it tells nobody.
            del django_settings.TASKSTATUS_MAX_EVENTS  # type: ignore[misc]
            assert subject.MAX_EVENTS == 1_000
        assert subject.MAX_EVENTS == 5
    assert subject.MAX_EVENTS == 1_000


def test_what_is_derived_from_settings_is_made_once(settings: Settings) -> None:
    """Until one of them changes."""
    subject = TaskStatusSettings()
    made: list[int] = []
    for _ in range(3):
        subject.keep("something", lambda: made.append(1))
    assert len(made) == 1
    settings.TASKSTATUS_MAX_EVENTS = 5
    subject.keep("something", lambda: made.append(1))
    assert len(made) == 2


def test_unknown_setting_is_an_error() -> None:
    """A name that is misspelt in our own code does not go unnoticed."""
    with pytest.raises(AttributeError):
        getattr(settings, "MAX_EVENT")  # noqa: B009 - a type checker would notice


def layers(settings: Settings, backend: str, **config: Any) -> None:
    """Set the channel layer."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": config}}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("redis://one:1/2", "redis://one:1/2"),
        (("one", 1), "redis://one:1"),
        (["one", 1], "redis://one:1"),
        ({"address": "unix:///run/redis.sock", "socket_timeout": 5}, "unix:///run/redis.sock"),
        ({"host": "one"}, "redis://one:6379/0"),
        ({"host": "one", "port": 1, "db": 2, "password": "a/b@c"}, "redis://:a%2Fb%40c@one:1/2"),
    ],
)
def test_store_is_the_redis_of_the_layer(settings: Settings, host: object, url: str) -> None:
    """Each way in which channels-redis names its host names the store as well."""
    settings.TASKSTATUS_STORE_URL = ""
    layers(settings, "channels_redis.pubsub.RedisPubSubChannelLayer", hosts=[host, "redis://two"])
    assert TaskStatusSettings().store_url == url


def test_store_url_wins_over_the_layer(settings: Settings) -> None:
    """Who names a store gets it, whatever the layer says."""
    settings.TASKSTATUS_STORE_URL = "redis://store"
    layers(settings, "channels.layers.InMemoryChannelLayer")
    assert TaskStatusSettings().store_url == "redis://store"


def test_store_of_the_memory_layer_is_in_memory() -> None:
    """One process needs no Redis."""
    assert layer_store_url("default") == "memory://"


def test_layer_without_hosts_means_the_local_redis(settings: Settings) -> None:
    """channels-redis's own default is ours."""
    layers(settings, "channels_redis.core.RedisChannelLayer")
    assert layer_store_url("default") == "redis://localhost:6379"


def test_layer_that_names_no_redis_asks_for_a_setting(settings: Settings) -> None:
    """A foreign layer, or Sentinel, can't be guessed from."""
    layers(settings, "someone.elses.Layer")
    with pytest.raises(SettingError, match="TASKSTATUS_STORE_URL"):
        layer_store_url("default")
    with pytest.raises(SettingError, match="TASKSTATUS_STORE_URL"):
        host_url({"sentinels": [("one", 1)], "master_name": "main"})


def test_missing_layer_is_an_error(settings: Settings) -> None:
    """The message names the layer and both ways out."""
    with pytest.raises(SettingError, match=r"'other'.*TASKSTATUS_CHANNEL_LAYER"):
        layer_store_url("other")
    del settings.CHANNEL_LAYERS
    with pytest.raises(SettingError):
        layer_store_url("default")
