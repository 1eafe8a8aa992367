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
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import django

from config.demo.redis_server import RedisServer, private_redis

#: No further part begins after that, so that a run takes some ten minutes at most.
LIMIT_SECONDS = 525.0
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Run what is asked for, all of it by default."""
    options = parse()
    save = options.save or not options.parts
    measured: dict[str, Any] = {}
    if options.parts != ["report"]:
        with private_redis(real=True) as redis:
            os.environ |= {
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "REDIS_URL": f"{redis.url}/0",
                "TASKSTATUS_TEST_LAYER": "pubsub",
            }
            django.setup()
            measured = measure(options, redis)
        # These, and those further down, need the settings.
        from benchmarks.report import report

        print(report(measured))
        if options.to:
            options.to.write_text(json.dumps(measured, indent=1))
    if save or options.parts == ["report"]:
        from benchmarks import pages

        earlier = json.loads(RESULTS.read_text()) if options.parts and RESULTS.exists() else {}
        RESULTS.write_text(json.dumps(earlier | measured, indent=1) + "\n")
        pages.write(earlier | measured)
    if measured.get("failed"):
        sys.exit(1)


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
    from benchmarks.about import about
    from benchmarks.parts import PARTS, Bench
    from benchmarks.servers import Servers
    from benchmarks.subjects import missing_peers

    url = f"{redis.url}/0"
    # Before there is any load of our own.
    machine = about(url)
    parts = options.parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}, only {', '.join(PARTS)}.")
    with (
        tempfile.TemporaryDirectory(prefix="taskstatus-bench-") as folder,
        Servers(url, Path(folder)) as servers,
    ):
        bench = Bench(
            redis,
            servers,
            Path(folder),
            rounds=options.rounds,
            sizes=[int(size) for size in options.sizes.split(",")],
            only=tuple(options.only.split(",")),
        )
        figures, failed = run({name: PARTS[name] for name in PARTS if name in parts}, bench)
    missing = list(missing_peers().values())
    return {"about": machine, "missing": missing, "failed": failed, **figures}


def run(parts: Mapping[str, Callable[[Any], Any]], bench: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the figures of these parts, and in words what became of those that have none."""
    figures: dict[str, Any] = {}
    failed: list[str] = []
    deadline = time.monotonic() + LIMIT_SECONDS
    for name, part in parts.items():
        began = time.monotonic()
        if began > deadline:
            failed.append(f"{name}: there was no time left for it")
            continue
        try:
            figures[name] = part(bench)
        except Exception as error:  # noqa: BLE001 - servers, processes, other people's peers
            # The others may still tell something.
            traceback.print_exc()
            failed.append(f"{name}: {error}")
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return figures, failed


if __name__ == "__main__":
    main()
