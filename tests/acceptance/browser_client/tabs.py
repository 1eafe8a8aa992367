"""A browser whose tabs can be hidden and frozen: Playwright keeps all of its tabs visible."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.client import connect

from config.demo.child import Child
from tests.acceptance.browser import NAMES, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

__all__ = ["Tab", "tab"]

START_SECONDS = 20
POLL_SECONDS = 0.05


class Tab:
    """A tab beside another one, over the DevTools protocol."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._other = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]

    def _call(self, method: str, session: str = "", **params: object) -> dict[str, Any]:
        number = next(self._numbers)
        order = {"id": number, "method": method, "params": params}
        self._connection.send(json.dumps({**order, **({"sessionId": session} if session else {})}))
        while (answer := json.loads(self._connection.recv(30))).get("id") != number:
            pass
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def go(self, url: str) -> None:
        """Open a page."""
        self._call("Page.navigate", self._session, url=url)

    def evaluate(self, expression: str) -> Any:
        """Return what an expression is in the page, as JSON; null where it throws."""
        result = self._call(
            "Runtime.evaluate", self._session, expression=expression, returnByValue=True
        )
        return result["result"].get("value")

    def wait_for(self, expression: str, value: object, *, seconds: float = 20) -> None:
        """Wait until an expression has a value."""
        deadline = time.monotonic() + seconds
        while (seen := self.evaluate(expression)) != value:
            assert time.monotonic() < deadline, f"{expression} is {seen!r}, not {value!r}"
            time.sleep(POLL_SECONDS)

    def hide(self) -> None:
        """Show the other tab."""
        self._call("Target.activateTarget", targetId=self._other)
        self.wait_for("document.visibilityState", "hidden")

    def freeze(self) -> None:
        """Let the hidden page sleep, as browsers do after some minutes."""
        self._call("Page.setWebLifecycleState", self._session, state="frozen")

    def show(self) -> None:
        """Wake the page, and show it again."""
        self._call("Page.setWebLifecycleState", self._session, state="active")
        self._call("Target.activateTarget", targetId=self._target)
        self.wait_for("document.visibilityState", "visible")


@contextlib.contextmanager
def tab(folder: Path) -> Iterator[Tab]:
    """Run a browser with two tabs; skip the test where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("There is no Chromium: install it to run the browser tests.")
    profile = [f"--user-data-dir={folder / 'profile'}", "--remote-debugging-port=0"]
    command = [program, "--headless=new", *OPTIONS, *profile, "about:blank"]
    with (
        Child("chromium", command, log=folder / "chromium.log") as child,
        connect(_address(child), max_size=None) as connection,
    ):
        yield Tab(connection)


def _address(child: Child) -> str:
    deadline = time.monotonic() + START_SECONDS
    while (found := re.search(r"ws://\S+", child.log.read_text(errors="replace"))) is None:
        assert child.returncode is None, child.tail()
        assert time.monotonic() < deadline, child.tail()
        time.sleep(POLL_SECONDS)
    return found[0]
