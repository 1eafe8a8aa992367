"""The settings of a project that does what the documentation of its parts says, traps and all."""

from __future__ import annotations

from tests.settings import *  # noqa: F403 - settings are extended so
from tests.settings import LAYER_PREFIX, REDIS_URL

ROOT_URLCONF = "tests.acceptance.faults.trap_urls"
#: As in the layer's own README: no word of time limits.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": f"trap-{LAYER_PREFIX}"},
    }
}
