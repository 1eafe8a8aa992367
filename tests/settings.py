"""Django settings of the tests: of this process, and of the servers and workers that it starts.

What differs between those is read from the environment, so that one module serves them all.
"""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import urlsplit

#: The channel layer: ``pubsub``, ``core`` or ``memory``.
LAYER = os.environ.get("TASKSTATUS_TEST_LAYER", "memory")
REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
#: Two servers with the same Redis and other prefixes share the store and not the layer.
LAYER_PREFIX = os.environ.get("TASKSTATUS_TEST_LAYER_PREFIX", "asgi")

SECRET_KEY = "of-the-tests-and-of-nothing-else"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver", "good.example"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "tests.project.urls"
ASGI_APPLICATION = "tests.project.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "channels",
    "taskstatus",
    "tests.project",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("TASKSTATUS_TEST_DB", ":memory:"),
    }
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Django's own default mails errors to nobody when DEBUG is off; here each one must reach the log.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "log": {"class": "logging.StreamHandler", "formatter": "line"},
        "nothing": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["log"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        # Django logs a traceback for each request with a foreign host; such a request is no error.
        "django.security.DisallowedHost": {"handlers": ["nothing"], "propagate": False},
    },
}
if "TASKSTATUS_TEST_DB" not in os.environ:
    # In the test process pytest shows the logs.
    LOGGING = {"version": 1, "disable_existing_loggers": False}


def channel_layer(layer: str) -> dict[str, Any]:
    """Return the configuration of a channel layer by its short name."""
    if layer == "pubsub":
        return {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": LAYER_PREFIX},
        }
    if layer == "core":
        # With redis-py's default of five seconds every idle consumer of this layer dies.
        host = {"address": REDIS_URL, "socket_timeout": None}
        return {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [host], "prefix": LAYER_PREFIX},
        }
    return {"BACKEND": "channels.layers.InMemoryChannelLayer"}


CHANNEL_LAYERS = {"default": channel_layer(LAYER)}
if LAYER == "memory":
    TASKSTATUS_STORE_URL = "memory://"

for name, value in json.loads(os.environ.get("TASKSTATUS_TEST_SETTINGS", "{}")).items():
    globals()[f"TASKSTATUS_{name}"] = value


def other_database(number: int) -> str:
    """Return the URL of another database of the same Redis."""
    return urlsplit(REDIS_URL)._replace(path=f"/{number}").geturl()


CELERY_BROKER_URL = "memory://" if LAYER == "memory" else other_database(1)
CELERY_RESULT_BACKEND = "cache+memory://" if LAYER == "memory" else other_database(2)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = os.environ.get("TASKSTATUS_TEST_QUEUE", "tests")

for name, value in json.loads(os.environ.get("TASKSTATUS_TEST_CELERY", "{}")).items():
    globals()[f"CELERY_{name.upper()}"] = value
