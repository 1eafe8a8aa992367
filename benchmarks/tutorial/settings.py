"""Django settings of the baseline."""

from __future__ import annotations

import os

REDIS_URL = os.environ["REDIS_URL"]

SECRET_KEY = "of-a-benchmark-and-of-nothing-else"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["daphne", "django.contrib.contenttypes", "django.contrib.auth", "channels"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # With redis-py's default of five seconds every idle consumer of this layer dies.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}]},
    }
}
