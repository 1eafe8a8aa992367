"""Task id → group, and whether the store itself can tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgpack
import pytest
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from hypothesis import given
from hypothesis import strategies as st

from taskstatus import groups
from taskstatus.groups import decode, envelope, get_layer, group_name, plain_pubsub
from taskstatus.messages import Message

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
CORE = "channels_redis.core.RedisChannelLayer"
HERE = "redis://one:6379/3"


def use(settings: Settings, backend: str, store: str = HERE, **config: Any) -> None:
    """Set layer and store."""
    settings.TASKSTATUS_STORE_URL = store
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": config}}


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255))
def test_any_id_has_a_group_that_any_layer_takes(task_id: str) -> None:
    """The name is short, ASCII, and passes Channels' own check."""
    async_to_sync(InMemoryChannelLayer().group_add)(group_name(task_id), "channel")


def test_ids_have_groups_of_their_own() -> None:
    """Similar ids are not in one group, and the same id always is."""
    ids = ["a", "A", "a ", "ä", "a/b", "a%2Fb"]
    assert len({group_name(task_id) for task_id in ids}) == len(ids)
    assert group_name("a") == group_name("a")


@pytest.mark.parametrize(
    ("host", "store"),
    [
        ("redis://one:6379/0", HERE),
        ("redis://one", HERE),
        ("redis://:secret@one:6379", HERE),
        ("rediss://one:6379", HERE),
        (("one", 6379), HERE),
        (["one", 6379], HERE),
        ({"address": "redis://one:6379/1", "socket_timeout": 5}, HERE),
        ({"host": "one", "password": "secret"}, HERE),
        ("unix:///run/redis.sock", "unix:///run/redis.sock?db=3"),
    ],
)
def test_store_can_tell_the_group_of_a_layer_on_the_same_redis(
    settings: Settings, host: Any, store: str
) -> None:
    """Whatever the database, and however the server is written; pub/sub knows no databases."""
    use(settings, PUBSUB, store, hosts=[host])
    assert envelope("an id", "status", "STARTED") is not None


def test_address_is_the_layer_s_own_channel(settings: Settings) -> None:
    """With the prefix that the layer has."""
    use(settings, PUBSUB, hosts=["redis://one"])
    address = envelope("an id", "status", "STARTED")
    assert address is not None
    assert address[0] == f"asgi__group__{group_name('an id')}"
    use(settings, PUBSUB, hosts=["redis://one"], prefix="mine")
    address = envelope("an id", "status", "STARTED")
    assert address is not None
    assert address[0] == f"mine__group__{group_name('an id')}"


def test_layer_without_hosts_is_the_local_redis(settings: Settings) -> None:
    """As channels-redis has it."""
    use(settings, PUBSUB, "redis://localhost/3")
    assert envelope("an id", "status", "STARTED") is not None


@pytest.mark.parametrize(
    ("backend", "store", "config"),
    [
        (CORE, HERE, {"hosts": ["redis://one"]}),
        ("channels.layers.InMemoryChannelLayer", "memory://", {}),
        ("project.layers.PubSubWithExtras", HERE, {"hosts": ["redis://one"]}),
        (PUBSUB, HERE, {"hosts": ["redis://two"]}),
        (PUBSUB, HERE, {"hosts": ["redis://one:6380"]}),
        (PUBSUB, HERE, {"hosts": ["redis://one", "redis://two"]}),
        (PUBSUB, HERE, {"hosts": ["redis://one"], "symmetric_encryption_keys": ["key"]}),
        (PUBSUB, HERE, {"hosts": ["redis://one"], "serializer_format": "json"}),
        (PUBSUB, HERE, {"hosts": [{"sentinels": [("one", 1)], "master_name": "main"}]}),
        (PUBSUB, "memory://", {"hosts": ["redis://one"]}),
        (PUBSUB, HERE, {}),
    ],
    ids=[
        "core",
        "memory",
        "subclass",
        "other-server",
        "other-port",
        "two-servers",
        "encrypted",
        "json",
        "sentinel",
        "memory-store",
        "other-default",
    ],
)
def test_store_cannot_tell_the_group_of_another_layer(
    settings: Settings, backend: str, store: str, config: dict[str, Any]
) -> None:
    """Anything but the plain layer on that very server is sent to by the layer itself."""
    use(settings, backend, store, **config)
    assert envelope("an id", "status", "STARTED") is None


def test_envelope_is_the_beginning_of_the_message(settings: Settings) -> None:
    """With the rest that the script writes it is what ``decode()`` reads."""
    use(settings, PUBSUB, hosts=["redis://one"])
    address = envelope("ünï ✓", "status", "S" * 300)
    assert address is not None
    rest = b"".join(
        msgpack.packb(item) for item in ("version", "7", "prev", "6", "json", '{"é":"🚀"}')
    )
    message = msgpack.unpackb(address[1] + rest)
    assert message["task_id"] == "ünï ✓"
    assert message == groups._encode("ünï ✓", decode(message))


def test_message_comes_back_as_it_was() -> None:
    """What goes through a group is decoded to what was encoded."""
    message = Message("log", "", 1_790_000_000_000_001, 1_790_000_000_000_000, '{"a":1}')
    again = decode(groups._encode("an id", message))
    assert (again.kind, again.state, again.version, again.prev, again.json) == (
        message.kind,
        message.state,
        message.version,
        message.prev,
        message.json,
    )


@pytest.mark.parametrize(
    ("config", "prefix"),
    [
        ({"hosts": ["redis://one"]}, "asgi"),
        ({"hosts": [{"address": "redis://one", "socket_timeout": 5}], "prefix": "mine"}, "mine"),
        ({"hosts": [("one", 6379)], "symmetric_encryption_keys": ["a key"]}, "asgi"),
        ({"hosts": ["redis://one"], "serializer_format": "json"}, "asgi"),
    ],
    ids=["url", "options", "encrypted", "json"],
)
def test_groups_of_the_plain_layer_are_channels(
    settings: Settings, config: dict[str, Any], prefix: str
) -> None:
    """However it is addressed, on whatever Redis; its messages are for the layer to read."""
    use(settings, PUBSUB, "memory://", **config)
    assert plain_pubsub(get_layer()) == (config["hosts"][0], prefix)


def test_plain_layer_without_hosts_is_on_the_local_redis(settings: Settings) -> None:
    """As channels-redis has it."""
    use(settings, PUBSUB)
    assert plain_pubsub(get_layer()) == ("redis://localhost:6379", "asgi")


class PubSubWithExtras(RedisPubSubChannelLayer):  # type: ignore[misc]
    """A project's own layer, which may do anything with groups."""


@pytest.mark.parametrize(
    ("backend", "config"),
    [
        (f"{__name__}.PubSubWithExtras", {"hosts": ["redis://one"]}),
        (PUBSUB, {"hosts": ["redis://one", "redis://two"]}),
        (PUBSUB, {"hosts": [{"sentinels": [("one", 1)], "master_name": "main"}]}),
        (CORE, {"hosts": ["redis://one"]}),
        ("channels.layers.InMemoryChannelLayer", {}),
    ],
    ids=["subclass", "two-servers", "sentinel", "core", "memory"],
)
def test_groups_of_other_layers_are_their_own_affair(
    settings: Settings, backend: str, config: dict[str, Any]
) -> None:
    """They are joined by Channels' public API."""
    use(settings, backend, **config)
    assert plain_pubsub(get_layer()) is None


def test_layer_that_is_not_the_one_in_the_settings_is_asked_by_its_own_methods(
    settings: Settings,
) -> None:
    """A wrapper of it, say: what it does to a message would be passed by."""
    use(settings, PUBSUB, hosts=["redis://one"])
    layer = PubSubWithExtras(hosts=["redis://one"])
    assert plain_pubsub(layer) is None
