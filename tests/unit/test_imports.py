"""How the modules hang together: imports run down only, and each dependency has one door.

The tables are the architecture. A module that is added has to find its place in them.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "taskstatus"

#: From top to bottom. A module imports what stands on its own floor or below; a package counts as
#: one. The two sides stand next to each other: neither knows the other.
FLOORS: dict[str, str] = {
    # What a project installs, mounts or runs.
    "doors": "taskstatus apps urls routing pages templatetags management terminal testing metrics",
    # Those who watch: connections, and what each of them must see.
    "viewers": "consumers views eventstream guard cors limits deadline writer wire pressure"
    " checkups handshakes daphne origin session transactions keepalive cycle pollers repeat",
    # Those who are watched: workers, and whoever enqueues.
    "producers": "receivers owner lease progress activity meter",
    # One task's stream, for one client and for all of a process.
    "streams": "feed hub subscription stalls drain membership pubsub line recent clock collector",
    # Who may, what Celery's backend knows, and the way into the store.
    "gates": "access cancel results lookup publisher outbox unanswered signals requests frames"
    " problems checks installation",
    # The truth, and the hints.
    "store": "stores groups",
    # What can be said, and where it is set.
    "words": "batch resp digest changes errors messages position status conf texts models",
    "facts": "states exceptions counts cancellation loops",
}
#: Producers must not know of streams either: a worker serves nobody.
UNKNOWN_TO = {"producers": {"viewers", "streams"}, "viewers": {"producers"}}

#: Each third-party package, and the modules that may import it.
DOORS: dict[str, dict[str, str]] = {
    "redis": {
        "stores.redis": "the store",
        "stores.pipe": "how its connections are made",
        "stores.recorder": "its connections, and what they raise",
    },
    "channels_redis": {"pubsub": "how its pub/sub layer connects"},
    "msgpack": {"groups": "the pub/sub layer's own format"},
    "channels.layers": {"groups": "the channel layer"},
    "channels.auth": {"access": "the session's user"},
    "channels": {
        "consumers.base": "AsyncConsumer",
        "consumers.http": "AsyncHttpConsumer",
        "consumers.socket": "AsyncWebsocketConsumer",
        "origin": "which origins are allowed",
        "routing": "URLs",
    },
    "django_eventstream": {
        "eventstream.codec": "its encoder",
        "eventstream.channels": "its channel manager",
        "eventstream.positions": "its cursors",
        "eventstream.relay": "its listeners and proxies",
        "eventstream.storage": "its storage",
        "eventstream.views": "its view",
    },
    "jwt": {"eventstream.views": "the signature of a GRIP proxy"},
    "celery": {
        "receivers.signals": "its signals",
        "receivers.calls": "its methods without a signal",
        "receivers.introduction": "the task that runs here",
        "receivers.ending": "the exceptions that mean something to it",
        "receivers.interruption": "its soft time limit",
        "installation": "whether tasks run in this process",
        "progress": "the task that runs here",
        "cancel": "revoking",
        "results": "its result backend",
        "terminal.launch": "enqueueing by name",
    },
    "billiard": {
        "publisher": "the soft time limit, which is not ours to swallow",
        "signals": "the soft time limit, which is not the listeners' to swallow",
    },
    "kombu": {"terminal.launch": "what a broker that is away raises"},
    "rich": {
        "terminal.bar": "the live bar",
        "terminal.card": "the status as a table",
        "terminal.listing": "statuses as a table",
    },
    "prometheus_client": {"metrics": "the numbers, for those who have installed it"},
    "twisted": {"handshakes.daphne": "calling Daphne's connection as autobahn does"},
    "autobahn": {"handshakes.daphne": "the request that Daphne's connection is told of"},
    "requests": {"terminal.poll": "following a URL from anywhere"},
}

#: Internal imports inside of a function, and why they can't stand at the top.
LATE: dict[tuple[str, str], str] = {
    ("apps", "checks"): "apps are imported before settings and models can be used",
    ("apps", "receivers"): "apps are imported before settings and models can be used",
}

#: Packages that are imported and come along with one that is declared.
COME_ALONG = {
    "asgiref": "django",
    "autobahn": "daphne",
    "billiard": "celery",
    "kombu": "celery",
    "msgpack": "channels-redis",
    "pyjwt": "django-eventstream",
    "twisted": "daphne",
}


@dataclass(frozen=True, slots=True)
class Import:
    """One import: who, what, and whether it stands inside a function."""

    module: str
    target: str
    late: bool


def paths() -> dict[str, Path]:
    """Return each module's file by its name below the package; the package itself by its own."""
    found = {}
    for path in (ROOT / PACKAGE).rglob("*.py"):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        found[name or PACKAGE] = path
    return found


PATHS = paths()


def imports() -> Iterator[Import]:
    """Yield every import of every module, whole names, ours below the package."""
    for module, path in PATHS.items():
        yield from _imports(module, ast.parse(path.read_text()), late=False)


def _imports(module: str, node: ast.AST, *, late: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inside = late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{module} has a relative import"
            for alias in child.names:
                yield Import(module, _target(str(child.module), alias.name), inside)
        elif isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(module, alias.name, inside)
        yield from _imports(module, child, late=inside)


def _target(module: str, name: str) -> str:
    """Return what ``from module import name`` imports: a submodule of ours, else the module."""
    if module.split(".")[0] != PACKAGE:
        return module
    below = f"{module}.{name}".removeprefix(f"{PACKAGE}.")
    return f"{PACKAGE}.{below}" if below in PATHS else module


ALL = list(imports())
OURS = [
    Import(found.module, found.target.removeprefix(f"{PACKAGE}."), found.late)
    for found in ALL
    if found.target.split(".")[0] == PACKAGE
]


def unit(module: str) -> str:
    """Return what of a module's name stands in FLOORS."""
    return module.split(".")[0]


FLOOR_OF = {name: floor for floor, names in FLOORS.items() for name in names.split()}
ORDER = list(FLOORS)


def test_every_module_has_one_floor() -> None:
    """Nothing is forgotten, nothing is listed that is not there, and nothing twice."""
    listed = [name for names in FLOORS.values() for name in names.split()]
    assert sorted(listed) == sorted({unit(module) for module in PATHS})


def test_imports_run_down_only() -> None:
    """No module knows of those who use it."""
    for found in OURS:
        above, below = FLOOR_OF[unit(found.module)], FLOOR_OF[unit(found.target)]
        assert ORDER.index(above) <= ORDER.index(below), f"{found.module} imports {found.target}"


def test_neither_side_knows_the_other() -> None:
    """Producers and viewers meet at the store: each could run without the other's code."""
    for found in OURS:
        above, below = FLOOR_OF[unit(found.module)], FLOOR_OF[unit(found.target)]
        assert below not in UNKNOWN_TO.get(above, set()), f"{found.module} imports {found.target}"


def test_there_is_no_cycle() -> None:
    """Each module can be read after those that it imports; late imports count as well."""
    graph: dict[str, set[str]] = {module: set() for module in PATHS}
    for found in OURS:
        if found.target != found.module and (found.module, found.target) not in LATE:
            graph[found.module].add(found.target)
    TopologicalSorter(graph).prepare()


def test_internal_imports_stand_at_the_top() -> None:
    """One that can't has a reason, and a reason that is no longer needed goes."""
    late = {(found.module, found.target) for found in OURS if found.late}
    assert late == set(LATE)


@pytest.mark.parametrize("package", DOORS)
def test_each_dependency_has_its_doors(package: str) -> None:
    """Who swaps a dependency reads these files only."""
    users = set()
    for found in ALL:
        if found.target == package or found.target.startswith(f"{package}."):
            # A door to a part is a door of its own.
            parts = [door for door in DOORS if door.startswith(f"{package}.")]
            if not any(found.target.startswith(part) for part in parts):
                users.add(found.module)
    assert users == set(DOORS[package])


def foreign() -> set[str]:
    """Return the top-level names of other people's packages that are imported."""
    return {
        found.target.split(".")[0]
        for found in ALL
        if found.target.split(".")[0] not in sys.stdlib_module_names | {PACKAGE}
    }


def test_every_dependency_has_a_door_or_is_the_framework() -> None:
    """Django and its ASGI library may be used everywhere; nothing else may."""
    doors = {package.split(".")[0] for package in DOORS}
    assert foreign() == doors | {"django", "asgiref"}


def test_every_dependency_is_declared() -> None:
    """What is imported is installed with us, by name or along with another."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    # The metrics are for those who ask for them.
    lines = [*project["dependencies"], *project["optional-dependencies"]["metrics"]]
    declared = {line.partition(">")[0].strip().lower() for line in lines}
    owners = packages_distributions()
    imported = {name.lower().replace("_", "-") for package in foreign() for name in owners[package]}
    assert imported - declared == set(COME_ALONG)
    assert set(COME_ALONG.values()) <= declared


def test_pure_modules_import_no_framework() -> None:
    """The words and the facts can be read, and tested, without Django, Celery or Redis."""
    words = {"states", "messages", "batch", "position", "frames", "changes"}
    pure = words | {"subscription", "repeat"}
    used = {found.target.split(".")[0] for found in ALL if found.module in pure}
    assert used <= sys.stdlib_module_names | {PACKAGE}
