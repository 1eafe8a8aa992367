"""What acceptance tests share: a browser, and the wheel, built and installed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance import wheel as wheels
from tests.acceptance.browser import browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from the checkout."""
    return wheels.build(tmp_path_factory.mktemp("wheel"), "--wheel")


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the ``bin`` of a virtualenv into which a stranger has installed the wheel."""
    # What it must run with, besides what a stranger's projects ask for by themselves.
    others = ("celery-progress",)
    return wheels.install(wheel, tmp_path_factory.mktemp("installed"), *others)


# No longer: its own event loop must not be mixed with that of asynchronous tests.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run one browser for all tests of a module."""
    with browser() as running:
        yield running
