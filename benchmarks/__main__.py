"""``python -m benchmarks [publish] [track]``: run them, and print the report as Markdown."""

from __future__ import annotations

import argparse
import os
import platform
from importlib.metadata import version

import django

from config.demo.redis_server import private_redis

PACKAGES = ("django", "channels", "channels-redis", "redis", "celery")


def main() -> None:
    """Run what is asked for, all of it by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="publish, track (default: both)")
    parts = parser.parse_args().parts or ["publish", "track"]
    with private_redis(real=True) as server:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "REDIS_URL": f"{server.url}/0",
            "TASKSTATUS_TEST_LAYER": "pubsub",
        }
        django.setup()
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores,", end=" ")
        print(", ".join(f"{package} {version(package)}" for package in PACKAGES), end="\n\n")
        # These need the settings.
        from benchmarks import publish, tracking

        if "publish" in parts:
            print(publish.run(f"{server.url}/0"))
        if "track" in parts:
            print(tracking.run.apply().get())


if __name__ == "__main__":
    main()
