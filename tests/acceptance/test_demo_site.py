"""The demo's site over plain HTTP: what it accepts, whom it lets in, what it leaves behind."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from config.demo.child import Child
from config.demo.redis_server import free_port
from tests.acceptance.demo_run import ROOT, DemoRun, clean_environment, running_demo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 30
LARGE = b"x" * (20 * 1024 * 1024 + 1)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    """Run the demo, without its sample job, for all tests of this module."""
    with running_demo(tmp_path_factory.mktemp("demo"), "--no-sample") as run:
        yield run


@pytest.fixture
def visitor(demo: DemoRun) -> Iterator[httpx.Client]:
    """Return a visitor with a cookie jar."""
    with httpx.Client(base_url=demo.page, timeout=SECONDS) as client:
        yield client


def post(visitor: httpx.Client, **arguments: Any) -> httpx.Response:
    """Send the form as the page does, with its CSRF token."""
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', visitor.get("/").text)
    assert found
    fields = {"csrfmiddlewaretoken": found[1], **arguments.pop("data", {})}
    return visitor.post("/", data=fields, **arguments)


def test_a_job_runs_to_its_end_and_its_upload_is_removed(
    visitor: httpx.Client, demo: DemoRun
) -> None:
    """The file is there for the job, and for no longer."""
    started = post(visitor, files={"file": ("../../x.csv", b"a,b\n1,2\n")})
    assert started.status_code == 302
    task_id = started.headers["location"].split("/")[2]
    page = visitor.get(started.headers["location"]).text
    token = re.search(r'"token": "([^"]+)"', page)
    assert token
    messages = visitor.get(
        f"/poll/task_status/{task_id}/", params={"wait": 20}, headers=bearer(token[1])
    ).json()
    while not messages["ready"]:
        query = {"after": messages["cursor"], "wait": 20}
        messages = visitor.get(
            f"/poll/task_status/{task_id}/", params=query, headers=bearer(token[1])
        ).json()
    assert messages["messages"][-1]["state"] == "SUCCESS"
    assert list((demo.var / "uploads").iterdir()) == []
    assert visitor.get(f"/poll/task_status/{task_id}/").status_code == 403


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def test_a_form_from_elsewhere_is_refused(visitor: httpx.Client) -> None:
    """Without the token of the page nothing is started."""
    visitor.get("/")
    assert visitor.post("/", data={"sample": "broken"}).status_code == 403


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "Please choose a file first."),
        ({"data": {"sample": "no such sample"}}, "Please choose a file first."),
        ({"files": {"file": ("a.pdf", b"%PDF-1.7")}}, "The name of the file must end in one of"),
        ({"files": {"file": ("a.csv", b"\x89PNG\0")}}, "The file is not a text file"),
        ({"files": {"file": ("a.csv", LARGE)}}, "The file is too large: it has 20.0 MiB"),
    ],
    ids=["nothing", "sample", "type", "binary", "large"],
)
def test_what_cannot_be_taken_is_refused_with_a_reason(
    visitor: httpx.Client, demo: DemoRun, arguments: dict[str, Any], said: str
) -> None:
    """The page comes back with the reason, and nothing is stored."""
    refused = post(visitor, **arguments)
    assert refused.status_code == 400
    assert said in refused.text
    assert not list((demo.var / "uploads").glob("*"))


def test_pages_load_nothing_from_elsewhere(visitor: httpx.Client) -> None:
    """The policy says so, and everything that the page names is served here."""
    page = visitor.get("/")
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert "no-store" in page.headers["cache-control"]
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(named) >= 3
    for path in [*named, "/static/taskstatus/watch.js", "/static/demo/job.js"]:
        assert visitor.get(path).status_code == 200, path
    script = visitor.get("/static/taskstatus/watch.js")
    assert script.headers["content-type"].startswith("text/javascript")


def test_it_is_alive_and_ready(visitor: httpx.Client) -> None:
    """What orchestrators ask is answered."""
    assert visitor.get("/healthz").status_code == 200
    assert visitor.get("/readyz").json() == {"redis": True, "database": True}


def test_another_host_name_is_not_served(visitor: httpx.Client) -> None:
    """The demo is for this machine."""
    assert visitor.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_without_redis_a_visitor_is_told_soon(tmp_path: Path) -> None:
    """The page still works, says that jobs cannot be started, and keeps no upload."""
    port = free_port()
    settings = {
        "REDIS_URL": "redis://127.0.0.1:1",
        "SECRET_KEY": "of-this-test",
        "VAR_DIR": str(tmp_path / "var"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    arguments = [sys.executable, "-c", SERVE.format(port=port)]
    env = clean_environment() | settings
    with Child("the site", arguments, log=tmp_path / "log", env=env, cwd=ROOT) as child:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as visitor:
            wait_for(visitor, child)
            begun = time.monotonic()
            answer = post(visitor, files={"file": ("a.csv", b"a,b\n1,2\n")})
            assert time.monotonic() - begun < 10
            assert answer.status_code == 503
            assert "The job queue cannot be reached just now." in answer.text
            assert visitor.get("/readyz").json() == {"redis": False, "database": True}
        assert list((tmp_path / "var" / "uploads").iterdir()) == []
        assert "Traceback" not in child.tail(lines=1000)


SERVE = """
import sys
from daphne.cli import CommandLineInterface
import config.asgi
from django.core.management import call_command
call_command("migrate", verbosity=0)
CommandLineInterface().run(["-b", "127.0.0.1", "-p", "{port}", "config.asgi:application"])
"""


def wait_for(visitor: httpx.Client, child: Child) -> None:
    """Wait until the site answers."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            visitor.get("/healthz")
        except httpx.ConnectError:
            assert child.returncode is None, child.tail()
            assert time.monotonic() < deadline, child.tail()
            time.sleep(0.05)
        else:
            return
