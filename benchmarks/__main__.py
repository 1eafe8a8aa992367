"""``python -m benchmarks [PART …]``: measure, and print the report as Markdown.

Without a part all of them run, and the figures are kept in ``results.json`` and written into the
pages under ``docs/``; single parts do so with ``--save``. ``report`` only writes the pages anew.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django

from config.demo.redis_server import RedisServer, private_redis

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Run what is asked for, all of it by default."""
    options = parse()
    save = options.save or not options.parts
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if options.parts != ["report"]:
        with private_redis(real=True) as redis:
            os.environ |= {
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "REDIS_URL": f"{redis.url}/0",
                "TASKSTATUS_TEST_LAYER": "pubsub",
            }
            django.setup()
            measured = measure(options, redis)
        print(report_of(measured))
        if options.to:
            options.to.write_text(json.dumps(measured, indent=1))
        if save:
            RESULTS.write_text(json.dumps(results | measured, indent=1) + "\n")
    if save or options.parts == ["report"]:
        from benchmarks import pages

        pages.write(json.loads(RESULTS.read_text()))


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--save", action="store_true", help="keep the figures")
    parser.add_argument("--to", type=Path, help="a file for the figures as JSON")
    parser.add_argument("--only", default="", help="subjects that begin so: daphne,socketio")
    parser.add_argument("--sizes", default="100,1000,4000", help="viewers of one task")
    parser.add_argument("--rounds", type=int, default=3, help="more of them: steadier medians")
    return parser.parse_args()


def measure(options: argparse.Namespace, redis: RedisServer) -> dict[str, Any]:
    """Return the figures of the parts by name, and what they were measured on."""
    # These need the settings.
    from benchmarks.about import about
    from benchmarks.parts import PARTS, Bench
    from benchmarks.servers import Servers
    from benchmarks.subjects import missing_peers

    parts = options.parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}, only {', '.join(PARTS)}.")
    missing = list(missing_peers().values())
    measured: dict[str, Any] = {"about": about(f"{redis.url}/0"), "missing": missing}
    with (
        tempfile.TemporaryDirectory(prefix="taskstatus-bench-") as folder,
        Servers(f"{redis.url}/0", Path(folder)) as servers,
    ):
        bench = Bench(
            redis,
            servers,
            Path(folder),
            rounds=options.rounds,
            sizes=[int(size) for size in options.sizes.split(",")],
            only=tuple(options.only.split(",")),
        )
        for part in PARTS:
            if part in parts:
                began = time.monotonic()
                measured[part] = PARTS[part](bench)
                print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return measured


def report_of(measured: dict[str, Any]) -> str:
    """Return the report."""
    from benchmarks.report import report

    return report(measured)


if __name__ == "__main__":
    main()
