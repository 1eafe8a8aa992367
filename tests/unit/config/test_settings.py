"""The project's settings as they are for a process with that environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
NAMES = (
    *("DEBUG", "ALLOWED_HOSTS", "SECRET_KEY", "TASKSTATUS_STORE_URL", "CELERY_BROKER_URL"),
    *("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_PROXY_SSL_HEADER"),
    *("CELERY_ACCEPT_CONTENT", "INSTALLED_APPS"),
)
SHOW = f"""
import json
from django.conf import settings
layer = settings.CHANNEL_LAYERS["default"]
found = {{name: getattr(settings, name) for name in {NAMES!r} if name != "SECRET_KEY"}}
found["LAYER"] = [layer["BACKEND"], layer["CONFIG"]["hosts"][0]["address"]]
print(json.dumps(found))
"""
ASGI = "import config.asgi"


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a program with nothing but the given environment."""

    def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "VAR_DIR": str(tmp_path),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_nothing_set_is_the_safe_side(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """Debugging is off, only this machine is served, messages are JSON, databases are apart."""
    found: dict[str, Any] = json.loads(python(SHOW).stdout)
    assert found["DEBUG"] is False
    assert found["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert found["CELERY_ACCEPT_CONTENT"] == ["json"]
    assert found["CELERY_BROKER_URL"] == "redis://127.0.0.1:6379/0"
    assert found["TASKSTATUS_STORE_URL"] == "redis://127.0.0.1:6379/1"
    assert found["LAYER"] == [
        "channels_redis.pubsub.RedisPubSubChannelLayer",
        "redis://127.0.0.1:6379/1",
    ]


def test_behind_a_proxy_with_tls_cookies_are_secure(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """One variable says that the site is served over HTTPS."""
    found = json.loads(python(SHOW, HTTPS="1").stdout)
    assert found["SESSION_COOKIE_SECURE"] is True
    assert found["CSRF_COOKIE_SECURE"] is True
    assert found["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]


def test_without_a_secret_key_nothing_is_served(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """The server does not start, rather than fail at somebody's request."""
    refused = python(ASGI)
    assert refused.returncode == 1
    assert "The SECRET_KEY setting must not be empty" in refused.stderr


@pytest.mark.parametrize("environment", [{"SECRET_KEY": "x" * 50}, {"DEBUG": "1"}])
def test_with_a_secret_key_or_while_debugging_it_starts(
    python: Callable[..., subprocess.CompletedProcess[str]], environment: dict[str, str]
) -> None:
    """Both are enough, and no warning is given."""
    started = python(f"import warnings; warnings.simplefilter('error'); {ASGI}", **environment)
    assert (started.returncode, started.stderr) == (0, "")


def test_the_checks_of_django_pass(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """As deployed behind TLS, what is left are choices of the proxy's owner."""
    check = "from django.core.management import execute_from_command_line as run;"
    program = f"{check} run(['manage.py', 'check', '--deploy', '--fail-level', 'WARNING'])"
    checked = python(program, HTTPS="1", SECRET_KEY="k3y-" * 16 + "0123456789")
    warned = {line.split(")")[0] for line in checked.stderr.splitlines() if line.startswith("?: (")}
    # Strict-Transport-Security and the redirect to HTTPS are the proxy's; and no Redis runs here.
    chosen = {"?: (security.W004", "?: (security.W008", "?: (taskstatus.E011"}
    assert warned <= chosen, checked.stderr
