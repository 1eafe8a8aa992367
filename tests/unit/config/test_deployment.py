"""The files that machines read: the composition, the image, the Makefile, what CI runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.mark.parametrize("name", ["redis", "web", "worker"])
def test_each_service_has_a_health_check_and_comes_back(name: str) -> None:
    """Others can wait for it, and it is restarted when it dies."""
    service = COMPOSE["services"][name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"


def test_services_wait_for_those_that_they_need() -> None:
    """Started is not enough: they wait until it is healthy."""
    for name in ("web", "worker"):
        for condition in COMPOSE["services"][name]["depends_on"].values():
            assert condition == {"condition": "service_healthy"}
    assert set(COMPOSE["services"]["worker"]["depends_on"]) == {"redis", "web"}


def test_no_secret_has_a_default() -> None:
    """Without them it does not start, and says which one is missing."""
    text = (ROOT / "compose.yaml").read_text()
    secrets = re.findall(r"\$\{(\w*(?:KEY|PASSWORD)\w*)(:?\??)", text)
    assert {name for name, _ in secrets} == {"SECRET_KEY", "REDIS_PASSWORD"}
    assert {default for _, default in secrets} == {":?"}


def test_redis_keeps_what_it_is_told_and_evicts_nothing() -> None:
    """A queue that forgets is none."""
    command = " ".join(COMPOSE["services"]["redis"]["command"])
    assert "appendonly yes" in command
    assert "maxmemory-policy noeviction" in command
    assert "requirepass" in command
    assert "ports" not in COMPOSE["services"]["redis"]


def test_every_variable_of_the_composition_is_one_that_the_settings_read() -> None:
    """A misspelt name would be ignored in silence."""
    read = (ROOT / "config" / "settings.py").read_text()
    for name in COMPOSE["x-app"]["environment"]:
        assert f'"{name}"' in read, name


def test_the_image_runs_as_nobody_in_particular_and_copies_what_there_is() -> None:
    """It is not root, and no path of it is missing."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER app"]
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY")]
    assert all((ROOT / path).exists() for paths in copied for path in paths)


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_alone_says_what_there_is() -> None:
    """The targets are named, each with what it is for."""
    said = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, timeout=30
    ).stdout
    targets = [line.split()[1] for line in said.splitlines()]
    names = "help demo test lint types client docs test-matrix hooks bench reliability"
    assert targets == [*names.split(), "format", "lock", "clean"]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_refuses_an_old_python_in_one_sentence(tmp_path: Path) -> None:
    """Nothing is made with a Python that is too old."""
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    made = subprocess.run(
        ["make", "-f", ROOT / "Makefile", f"PYTHON={old}", ".venv/bin/pip"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert made.returncode != 0
    assert made.stderr.startswith("Python 3.11 or later is needed")
    assert not (tmp_path / ".venv").exists()


def test_what_ci_runs_is_the_test_command() -> None:
    """There is one way to run the tests."""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "\nmake test && exit\n" in script.read_text()
