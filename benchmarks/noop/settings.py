"""Django settings; ``NOOP_WITH`` in the environment installs taskstatus."""

from __future__ import annotations

import os

REDIS_URL = os.environ["REDIS_URL"]
WITH = bool(os.environ.get("NOOP_WITH"))

SECRET_KEY = "of-a-benchmark-and-of-nothing-else"
INSTALLED_APPS = ["channels", *(["taskstatus"] if WITH else [])]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}
CELERY_BROKER_URL = CELERY_RESULT_BACKEND = REDIS_URL
CELERY_TASK_DEFAULT_QUEUE = "noop-with" if WITH else "noop-without"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
