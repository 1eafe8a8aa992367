"""
The settings, all from environment variables, safe when none is set.

SECRET_KEY must be given unless DEBUG is on. ALLOWED_HOSTS names the hosts that are served,
CSRF_TRUSTED_ORIGINS further origins whose forms are trusted, HTTPS=1 says that the site is
behind a proxy that ends TLS and sets X-Forwarded-Proto. REDIS_URL and DATABASE_URL say
where the data is, VAR_DIR where files are kept, LOG_LEVEL how much is logged.
"""

from __future__ import annotations

import os
from pathlib import Path

from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from config.environment import as_bool, as_words, database, redis_url

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").absolute()
VAR_DIR.mkdir(parents=True, exist_ok=True)

# Security. Without a key Django itself refuses to start serving (see config/asgi.py).
DEBUG = as_bool(os.environ.get("DEBUG", ""))
SECRET_KEY = os.environ.get("SECRET_KEY") or ("not-a-secret: DEBUG is on" if DEBUG else "")
ALLOWED_HOSTS = as_words(os.environ.get("ALLOWED_HOSTS", "localhost 127.0.0.1 [::1]"))
CSRF_TRUSTED_ORIGINS = as_words(os.environ.get("CSRF_TRUSTED_ORIGINS", ""))
if as_bool(os.environ.get("HTTPS", "")):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'"
)

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "taskstatus",
    "config.demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.security.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

DATABASES = {
    "default": database(
        os.environ.get("DATABASE_URL") or "sqlite:///db.sqlite3",
        base=VAR_DIR,
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# One Redis, two databases: Celery's, and that of the task states. The pub/sub layer keeps
# no keys, and the store publishes through it, so these two have the same address.
REDIS_URL = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379"
TASKSTATUS_STORE_URL = redis_url(REDIS_URL, 1)
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [
                {
                    "address": TASKSTATUS_STORE_URL,
                    # A connection made from a URL is not retried by default, so the first
                    # message after a restart of Redis would be lost.
                    "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), 3),
                }
            ],
            "prefix": "taskstatus",
        },
    }
}

CELERY_BROKER_URL = CELERY_RESULT_BACKEND = redis_url(REDIS_URL, 0)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 3, "socket_keepalive": True}
CELERY_TASK_DEFAULT_QUEUE = "taskstatus"
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_SOFT_TIME_LIMIT = 600
CELERY_TASK_TIME_LIMIT = 660
CELERY_WORKER_POOL = "prefork"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

STATIC_URL = "static/"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"

# The demo: where its files are, and what may be uploaded.
DEMO_SAMPLES_DIR = VAR_DIR / "samples"
DEMO_UPLOADS_DIR = VAR_DIR / "uploads"
DEMO_MAX_UPLOAD_BYTES = 20 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO").upper()},
}
