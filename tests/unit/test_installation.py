"""``manage.py check`` tells what keeps an installation from working."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from django.core import checks
from django.core.management import call_command

from taskstatus import installation
from taskstatus.installation import check_installation, check_store_answers

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

ROOT = Path(__file__).resolve().parents[2]
REDIS = "redis://127.0.0.1:6379"
PUBSUB = {
    "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "CONFIG": {"hosts": [REDIS]},
}


def found() -> dict[str, checks.CheckMessage]:
    """Return what the checks find, by id."""
    return {str(message.id): message for message in check_installation(None)}


def core(*hosts: Any) -> dict[str, Any]:
    """Return the core layer on these hosts."""
    config = {"hosts": list(hosts)} if hosts else {}
    return {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": config}}


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return Celery's configuration, with a broker that other processes can reach."""
    app = Celery("other", broker=f"{REDIS}/1", set_as_current=False)
    monkeypatch.setattr(installation, "current_app", app)
    return app.conf


def test_a_whole_installation_has_nothing_to_mend(settings: Settings, broker: Any) -> None:
    """As the README has it."""
    settings.CHANNEL_LAYERS = {"default": PUBSUB}
    settings.TASKSTATUS_STORE_URL = REDIS
    assert found() == {}


def test_a_setting_that_does_not_exist_is_told_with_the_one_that_was_meant(
    settings: Settings,
) -> None:
    """A slip of the pen would else do nothing, in silence."""
    settings.TASKSTATUS_RETENTION_SECOND = 5
    warning = found()["taskstatus.W001"]
    assert "TASKSTATUS_RETENTION_SECOND." in warning.msg
    assert warning.hint == "Did you mean TASKSTATUS_RETENTION_SECONDS?"


@pytest.mark.parametrize(
    ("app", "identifier"), [("daphne", "taskstatus.W002"), ("channels", "taskstatus.W003")]
)
def test_an_app_that_is_missing_is_told(settings: Settings, app: str, identifier: str) -> None:
    """With where it belongs."""
    apps = [name for name in settings.INSTALLED_APPS if name != app]
    settings.INSTALLED_APPS = apps
    assert app in str(found()[identifier].hint)


def test_daphne_behind_staticfiles_is_told(settings: Settings) -> None:
    """By Daphne itself: its runserver would not be the one that is run."""
    settings.INSTALLED_APPS = ["django.contrib.staticfiles", *settings.INSTALLED_APPS]
    assert "daphne.E001" in {message.id for message in checks.run_checks()}


def test_no_asgi_application_is_told(settings: Settings) -> None:
    """Daphne's runserver needs to know it, and it stands beside the URLs."""
    del settings.ASGI_APPLICATION
    settings.ROOT_URLCONF = "config.urls"
    assert '"config.asgi.application"' in str(found()["taskstatus.W004"].hint)


def test_an_application_that_is_not_wrapped_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All other URLs would work, and these not."""
    monkeypatch.setattr(sys, "argv", ["manage.py", "check"])
    monkeypatch.setattr(installation, "wrapped", [])
    settings.ASGI_APPLICATION = f"{__name__}.found"
    warning = found()["taskstatus.W005"]
    assert "with_taskstatus" in str(warning.hint)


def test_an_application_that_is_wrapped_is_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else stands around it."""
    monkeypatch.setattr(sys, "argv", ["manage.py", "runserver"])
    settings.ASGI_APPLICATION = "tests.project.asgi.application"
    assert not {"taskstatus.W005", "taskstatus.E012"} & set(found())


def test_an_application_that_is_not_there_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason."""
    monkeypatch.setattr(sys, "argv", ["manage.py", "check"])
    settings.ASGI_APPLICATION = "tests.project.no_such_module.application"
    assert "no_such_module" in found()["taskstatus.E012"].msg


def test_an_application_that_fails_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As one with our lines only, in a project that had no such file; no traceback hides it."""
    monkeypatch.setattr(sys, "argv", ["manage.py", "check"])
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "bare_asgi.py").write_text(
        "from taskstatus.routing import with_taskstatus\n"
        "application = with_taskstatus(application)\n"
    )
    settings.ASGI_APPLICATION = "bare_asgi.application"
    error = found()["taskstatus.E012"]
    assert "NameError: name 'application'" in error.msg
    assert "get_asgi_application()" in str(error.hint)


@pytest.mark.parametrize(("command", "told"), [("check", True), ("migrate", False)])
def test_eager_tasks_are_told(
    broker: Any, monkeypatch: pytest.MonkeyPatch, command: str, told: bool
) -> None:
    """To who looks for the reason why nothing moves, and not with each command."""
    monkeypatch.setattr(sys, "argv", ["manage.py", command])
    broker.task_always_eager = True
    assert ("taskstatus.I002" in found()) is told


def test_a_worker_imports_no_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery runs all checks, too."""
    monkeypatch.setattr(sys, "argv", ["celery", "-A", "proj", "worker"])
    settings.ASGI_APPLICATION = "tests.project.no_such_module.application"
    assert not {"taskstatus.W005", "taskstatus.E012"} & set(found())


def test_the_layers_of_the_hint_have_nothing_to_mend(settings: Settings, broker: Any) -> None:
    """Who pastes them is done."""
    settings.CHANNEL_LAYERS = {}
    hint = str(found()["taskstatus.E010"].hint)
    settings.CHANNEL_LAYERS = json.loads(hint[hint.index("{") : hint.rindex("}") + 1])
    settings.TASKSTATUS_STORE_URL = ""
    assert found() == {}


def test_a_layer_that_is_not_there_is_told(settings: Settings) -> None:
    """A store of its own does not make up for it."""
    settings.TASKSTATUS_CHANNEL_LAYER = "fast"
    assert "'fast'" in found()["taskstatus.E010"].msg


@pytest.mark.parametrize(
    ("hosts", "dies"),
    [
        ([], True),
        ([REDIS], True),
        ([("127.0.0.1", 6379)], True),
        ([{"address": REDIS}], True),
        ([{"address": REDIS, "socket_timeout": 5}], True),
        ([{"address": REDIS, "socket_timeout": None}], False),
        ([{"address": REDIS, "socket_timeout": 15}], False),
    ],
)
def test_the_traps_of_the_core_layer_are_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, hosts: list[Any], dies: bool
) -> None:
    """Its losses always; its end after five seconds where redis-py's default is what counts."""
    settings.CHANNEL_LAYERS = core(*hosts)
    for release, impatient in (("7.4.0", False), ("8.1.0", True)):
        monkeypatch.setattr(installation, "version", lambda name, release=release: release)
        ids = set(found())
        assert "taskstatus.I001" in ids
        assert ("taskstatus.W006" in ids) is (dies and impatient)


def test_a_store_that_workers_do_not_share_is_told(settings: Settings, broker: Any) -> None:
    """But not where tasks run in the process that calls them."""
    settings.TASKSTATUS_STORE_URL = "memory://"
    assert "taskstatus.W007" in found()
    broker.task_always_eager = True
    assert "taskstatus.W007" not in found()


def test_a_layer_that_workers_do_not_share_is_told(settings: Settings, broker: Any) -> None:
    """It works, ten seconds late."""
    settings.TASKSTATUS_STORE_URL = REDIS
    assert "10 s" in found()["taskstatus.W008"].msg


def test_a_store_that_is_away_is_told_before_a_deployment(settings: Settings) -> None:
    """And not at each start of a command."""
    settings.TASKSTATUS_STORE_URL = "redis://127.0.0.1:1"
    (error,) = check_store_answers(None)
    assert error.id == "taskstatus.E011"
    ids = {message.id for message in checks.run_checks(tags=["taskstatus"])}
    assert "taskstatus.E011" not in ids
    deploy = checks.run_checks(tags=["taskstatus"], include_deployment_checks=True)
    assert "taskstatus.E011" in {message.id for message in deploy}


def test_a_store_that_answers_is_fine() -> None:
    """As is one that can't be named: another check tells that."""
    assert check_store_answers(None) == []


def test_check_prints_the_hint(settings: Settings) -> None:
    """As every check of Django's does."""
    settings.TASKSTATUS_MAX_EVENT = 5
    err = io.StringIO()
    call_command("check", "--tag", "taskstatus", stderr=err, stdout=io.StringIO())
    assert "(taskstatus.W001)" in err.getvalue()
    assert "HINT: Did you mean TASKSTATUS_MAX_EVENTS?" in err.getvalue()


def test_every_check_is_documented() -> None:
    """By its id, once."""
    sources = (ROOT / "taskstatus").glob("*.py")
    ids = re.findall(r'id="(taskstatus\.\w+)"', "".join(path.read_text() for path in sources))
    listed = re.findall(
        r"^\| `(taskstatus\.\w+)`", (ROOT / "docs/checks.md").read_text(), re.MULTILINE
    )
    assert sorted(listed) == sorted(set(ids))
