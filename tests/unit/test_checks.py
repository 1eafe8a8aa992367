"""``manage.py check`` tells wrong settings before a request meets them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from django.core import checks as django_checks

from taskstatus.checks import check_settings

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


def blocking_policy(caller: Any, task_id: str, action: str) -> bool:
    """A policy that forgot to be asynchronous."""
    return True


async def late(exception: BaseException, task_id: str) -> str:
    """An error filter that one would have to wait for."""
    return str(exception)


class AsyncPolicy:
    """A policy with a state of its own."""

    async def __call__(self, caller: Any, task_id: str, action: str) -> bool:
        """Let everybody in."""
        return True


policy_instance = AsyncPolicy()


def found() -> list[str]:
    """Return the ids of what the check finds."""
    return [str(message.id) for message in check_settings(None)]


def test_defaults_are_right() -> None:
    """A project that sets nothing has nothing to mend."""
    assert found() == []


def test_check_is_registered_under_its_tag() -> None:
    """``manage.py check --tag taskstatus`` runs it."""
    assert "taskstatus" in django_checks.registry.registry.tags_available()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETENTION_SECONDS", 0),
        ("RETENTION_SECONDS", -1),
        ("RECONCILE_SECONDS", "10"),
        ("KEEPALIVE_SECONDS", None),
        ("MAX_STREAM_SECONDS", math.nan),
        ("RECHECK_SECONDS", 0),
        ("RETENTION_SECONDS", math.inf),
        ("STALLED_AFTER_SECONDS", True),
        ("TOKEN_MAX_AGE_SECONDS", [1]),
        ("PROGRESS_INTERVAL_SECONDS", -0.1),
        ("MAX_EVENTS", 0),
        ("MAX_EVENTS", 10.5),
        ("MAX_RESULT_BYTES", "64k"),
        ("MAX_CONNECTIONS_PER_CLIENT", -1),
    ],
)
def test_wrong_number_is_an_error(settings: Settings, name: str, value: object) -> None:
    """The message names the setting and what it has."""
    setattr(settings, f"TASKSTATUS_{name}", value)
    (error,) = check_settings(None)
    assert error.id == "taskstatus.E001"
    assert f"TASKSTATUS_{name}" in error.msg
    assert repr(value) in error.msg


@pytest.mark.parametrize(
    ("name", "value"),
    [("PROGRESS_INTERVAL_SECONDS", 0), ("RETENTION_SECONDS", 0.5), ("MAX_EVENTS", 1)],
)
def test_small_numbers_are_fine(settings: Settings, name: str, value: object) -> None:
    """No throttling, a short memory: that is the project's own affair."""
    setattr(settings, f"TASKSTATUS_{name}", value)
    assert found() == []


@pytest.mark.parametrize("url", ["http://x", "redis://host:port", "nonsense", 5])
def test_wrong_store_url_is_an_error(settings: Settings, url: object) -> None:
    """What is no URL of a store is told with an example of one."""
    settings.TASKSTATUS_STORE_URL = url
    (error,) = check_settings(None)
    assert error.id == "taskstatus.E002"
    assert "redis://" in str(error.hint)


def test_store_that_cannot_be_derived_is_an_error(settings: Settings) -> None:
    """A layer that names no Redis needs a setting."""
    del settings.TASKSTATUS_STORE_URL
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "someone.elses.Layer"}}
    assert found() == ["taskstatus.E002"]


def test_check_asks_no_server(settings: Settings) -> None:
    """A store that is away is not a wrong setting."""
    settings.TASKSTATUS_STORE_URL = "redis://127.0.0.1:1"
    assert found() == []


@pytest.mark.parametrize(
    "path",
    [
        "nowhere",
        "no.such.module",
        "taskstatus.access.missing",
        "taskstatus.access.SALT",
        f"{__name__}.blocking_policy",
        5,
    ],
)
def test_wrong_policy_is_an_error(settings: Settings, path: object) -> None:
    """It must be there, be callable, and be asynchronous."""
    settings.TASKSTATUS_ACCESS_POLICY = path
    assert found() == ["taskstatus.E003"]


@pytest.mark.parametrize(
    "path",
    ["taskstatus.nowhere.shown", "nonsense", 7, "taskstatus.conf.PREFIX", f"{__name__}.late"],
)
def test_error_filter_that_is_none_is_an_error(settings: Settings, path: object) -> None:
    """What can't be imported, called, or answer at once filters nothing."""
    settings.TASKSTATUS_ERROR_FILTER = path
    assert found() == ["taskstatus.E005"]


@pytest.mark.parametrize("value", [1, None, "no"])
def test_tuning_is_on_or_off(settings: Settings, value: object) -> None:
    """A text, even "no", would turn it on."""
    settings.TASKSTATUS_TUNE_COLLECTOR = value
    assert found() == ["taskstatus.E006"]


def test_error_filter_may_be_any_function(settings: Settings) -> None:
    """A function of the project's own."""
    settings.TASKSTATUS_ERROR_FILTER = f"{__name__}.blocking_policy"
    assert found() == []


@pytest.mark.parametrize("path", ["taskstatus.access.allow_any", f"{__name__}.policy_instance"])
def test_policy_may_be_a_function_or_an_object(settings: Settings, path: str) -> None:
    """Whatever can be awaited when it is called."""
    settings.TASKSTATUS_ACCESS_POLICY = path
    assert found() == []


@pytest.mark.parametrize(
    "origins",
    ["https://example.org", [5], ["example.org"], ["https://example.org/"], ["https://"], ["*"], 5],
)
def test_wrong_origins_are_an_error(settings: Settings, origins: object) -> None:
    """An origin is a scheme and a host, and there is a list of them."""
    settings.TASKSTATUS_ALLOWED_ORIGINS = origins
    assert found() == ["taskstatus.E004"]


def test_origins_may_have_a_port(settings: Settings) -> None:
    """Each is written as a browser writes it."""
    settings.TASKSTATUS_ALLOWED_ORIGINS = ("https://example.org", "http://localhost:8000")
    assert found() == []
