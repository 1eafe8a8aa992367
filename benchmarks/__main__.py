"""``python -m benchmarks [PART …]``: measure, and print the report as Markdown."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

import django

from config.demo.redis_server import RedisServer, private_redis

PARTS = ("fanout", "publish", "track")
PACKAGES = ("django", "channels", "channels-redis", "redis", "celery", "daphne", "uvicorn")


def main() -> None:
    """Run what is asked for, all of it by default."""
    options = parse()
    with private_redis(real=True) as redis:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "REDIS_URL": f"{redis.url}/0",
            "TASKSTATUS_TEST_LAYER": "pubsub",
        }
        django.setup()
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores,", end=" ")
        print(", ".join(f"{package} {version(package)}" for package in PACKAGES), end="\n\n")
        run(options, redis)


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument(
        "--only", default="", help="subjects, or starts of their names: daphne,socketio"
    )
    parser.add_argument("--sizes", default="100,1000,4000", help="viewers of one task")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def run(options: argparse.Namespace, redis: RedisServer) -> None:
    """Run the parts and print what they say."""
    # These need the settings.
    from benchmarks import fanout, publish, report, tracking
    from benchmarks.servers import Server, Servers
    from benchmarks.subjects import NAMES, missing_peers, start_subjects

    parts = options.parts or PARTS
    url = f"{redis.url}/0"
    store = Server(redis.child, 0)
    names = [name for name in NAMES if name.startswith(tuple(options.only.split(",")))]
    for text in missing_peers().values():
        print(text)
    if "fanout" in parts:
        with tempfile.TemporaryDirectory(prefix="taskstatus-bench-") as folder:
            with Servers(url, Path(folder)) as servers:
                subjects = list(start_subjects(servers, names))
                sizes = [int(size) for size in options.sizes.split(",")]
                results = fanout.run(subjects, store, sizes=sizes, rounds=options.rounds)
        print(report.deliveries("Fan-out", results))
    if "publish" in parts:
        print(publish.run(url))
    if "track" in parts:
        print(tracking.run.apply().get())


if __name__ == "__main__":
    main()
